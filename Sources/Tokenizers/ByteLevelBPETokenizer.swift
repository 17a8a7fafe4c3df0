/// Byte-level byte-pair encoding as Qwen2 and Qwen2.5 use it: NFC, Qwen2's pre-tokenization, then merges over
/// UTF-8 bytes. Equal to Hugging Face's `Qwen2Tokenizer` token for token. There is no word cache: a phrase
/// takes microseconds without one.
public struct ByteLevelBPETokenizer: Tokenizer {
    /// Raw bytes of each base token, not GPT-2's printable spelling.
    let vocabulary: ByteStringTable
    let merges: MergeTable
    /// Id of each single byte.
    let byteIDs: [Int32]
    let added: AddedTokens
    let usesNFC: Bool
    /// True when a word that is a token by itself is taken whole (`ignore_merges` of a tokenizer.json).
    let takesWholeWords: Bool

    public var beginOfSequence: Int32? { nil }

    public var vocabularySize: Int {
        max(vocabulary.idEnd, (added.byID.keys.max() ?? -1) + 1)
    }

    public func addedToken(_ spelling: String) -> Int32? {
        added.id(of: spelling)
    }

    public func encode(_ text: String) -> [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(text.utf8.count / 2)
        encodeNormalized(usesNFC ? CanonicalComposition.of(text) : text, into: &ids)
        return ids
    }

    /// As `tokenizers` does: tokens that aren't `normalized` are cut out of the text as it stands, the others
    /// out of the normalised rest.
    public func encodeWithAddedTokens(_ text: String) -> [Int32] {
        var ids: [Int32] = []
        forEachPiece(of: text, normalized: false, into: &ids) { rest, ids in
            let rest = usesNFC ? CanonicalComposition.of(rest) : rest
            guard added.hasNormalized else { return encodeNormalized(rest, into: &ids) }
            forEachPiece(of: rest, normalized: true, into: &ids) { encodeNormalized($0, into: &$1) }
        }
        return ids
    }

    public func decode(_ ids: [Int32]) -> String {
        var text = ""
        var bytes: [UInt8] = []
        for id in ids {
            if let token = added.byID[Int(id)] {
                text += String(decoding: bytes, as: UTF8.self) + token.content
                bytes.removeAll(keepingCapacity: true)
            } else if let token = vocabulary.bytes(of: Int(id)) {
                bytes.append(contentsOf: token)
            }
        }
        return text + String(decoding: bytes, as: UTF8.self)
    }

    private func forEachPiece(
        of text: String, normalized: Bool, into ids: inout [Int32], _ body: (String, inout [Int32]) -> Void
    ) {
        let scalars = Array(text.unicodeScalars)
        for piece in added.split(scalars, normalized: normalized) {
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let range):
                var rest = String.UnicodeScalarView()
                rest.append(contentsOf: scalars[range])
                body(String(rest), &ids)
            }
        }
    }

    private func encodeNormalized(_ text: String, into ids: inout [Int32]) {
        var scratch = MergeTable.Scratch()
        Qwen2PreTokenizer(text).forEachWord { word in
            if takesWholeWords, let id = vocabulary.id(of: word), added.byID[id] == nil {
                ids.append(Int32(id))
            } else {
                scratch.list.removeAll()
                for byte in word { scratch.list.append(byteIDs[Int(byte)]) }
                merges.apply(to: &scratch, into: &ids)
            }
        }
    }
}

/// Byte-pair encoding as SentencePiece does it (Kudo and Richardson 2018, arXiv:1808.06226), for InternLM2:
/// pieces of characters merged by score, characters outside the vocabulary by their bytes. Equal to the
/// `sentencepiece` library, but for one thing: a piece whose id the checkpoint gives to an added token
/// ("[UNUSED_TOKEN_145]" is InternLM2's `<|im_end|>`) is never made from plain text.
public struct SentencePieceTokenizer: Tokenizer {
    let vocabulary: SentencePieceVocabulary
    /// Id of each single byte; nil for a model without byte fallback.
    let byteIDs: [Int32]?
    let unknownID: Int32
    let userDefined: PrefixMatcher
    let normalizer: SentencePieceNormalizer
    let added: AddedTokens
    public let beginOfSequence: Int32?

    public var vocabularySize: Int {
        max(vocabulary.pieces.count, (added.byID.keys.max() ?? -1) + 1)
    }

    public func addedToken(_ spelling: String) -> Int32? {
        added.id(of: spelling)
    }

    public func encode(_ text: String) -> [Int32] {
        var ids: [Int32] = []
        encode(Array(text.utf8), into: &ids)
        return ids
    }

    /// Text between added tokens is encoded by itself, as Hugging Face's slow tokenizers do.
    public func encodeWithAddedTokens(_ text: String) -> [Int32] {
        var ids: [Int32] = []
        let scalars = Array(text.unicodeScalars)
        for piece in added.split(scalars, normalized: false) {
            guard case .text(let range) = piece else {
                if case .token(let id) = piece { ids.append(id) }
                continue
            }
            let rest = Array(scalars[range])
            for piece in added.split(rest, normalized: true) {
                switch piece {
                case .token(let id): ids.append(id)
                case .text(let range):
                    var view = String.UnicodeScalarView()
                    view.append(contentsOf: rest[range])
                    encode(Array(String(view).utf8), into: &ids)
                }
            }
        }
        return ids
    }

    public func decode(_ ids: [Int32]) -> String {
        var text = ""
        var bytes: [UInt8] = []
        for (index, id) in ids.enumerated() {
            if let token = added.byID[Int(id)] {
                text += String(decoding: bytes, as: UTF8.self) + token.content
                bytes.removeAll(keepingCapacity: true)
            } else if vocabulary.pieces.indices.contains(Int(id)) {
                let isFirst = ids[..<index].allSatisfy { $0 == beginOfSequence }
                appendBytes(of: Int(id), isFirst: isFirst && normalizer.addsDummyPrefix, to: &bytes)
            }
        }
        return text + String(decoding: bytes, as: UTF8.self)
    }

    private func appendBytes(of id: Int, isFirst: Bool, to bytes: inout [UInt8]) {
        let piece = vocabulary.pieces[id]
        switch piece.kind {
        case .control: break
        case .unknown: bytes += Array(" \u{2047} ".utf8)
        case .byte:
            if let byte = byteIDs?.firstIndex(of: Int32(id)) { bytes.append(UInt8(byte)) }
        case .normal, .userDefined, .unused:
            let space = SentencePieceNormalizer.spaceSymbol
            var rest = piece.text[...]
            if isFirst, rest.starts(with: space) { rest = rest.dropFirst(space.count) }
            while let byte = rest.first {
                let isSpace = normalizer.escapesSpaces && rest.starts(with: space)
                bytes.append(isSpace ? 0x20 : byte)
                rest = rest.dropFirst(isSpace ? space.count : 1)
            }
        }
    }

    private func encode(_ text: [UInt8], into ids: inout [Int32]) {
        let normalized = normalizer.normalize(text)
        guard !normalized.isEmpty else { return }
        let merging = SentencePieceMerging(normalized, vocabulary, userDefined: userDefined)
        merging.forEachSymbol { appendID(of: $0, merging, into: &ids) }
    }

    private func appendID(
        of symbol: ArraySlice<UInt8>, _ merging: SentencePieceMerging, into ids: inout [Int32]
    ) {
        if let id = vocabulary.id(of: symbol) {
            // A piece the model marks as unused is taken apart again the way it was put together.
            if vocabulary.pieces[id].kind == .unused, let (left, right) = merging.parts(of: symbol) {
                appendID(of: left, merging, into: &ids)
                appendID(of: right, merging, into: &ids)
            } else {
                ids.append(Int32(id))
            }
        } else if let byteIDs {
            for byte in symbol { ids.append(byteIDs[Int(byte)]) }
        } else if ids.last != unknownID {  // a run of unknown characters is one token
            ids.append(unknownID)
        }
    }
}

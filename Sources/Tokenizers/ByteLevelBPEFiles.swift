/// Reads a byte-level BPE tokenizer from a checkpoint's files.
extension ByteLevelBPETokenizer {
    static let vocabularyLimit = 64 << 20

    /// Qwen2's pattern as Hugging Face writes it into a tokenizer.json.
    static let qwen2Pattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// From `vocab.json` and `merges.txt`, with the folder's added tokens.
    static func load(directory: String) throws(TokenizerError) -> ByteLevelBPETokenizer {
        let vocabularyFile = directory + "/vocab.json"
        let json = try JSONReader.parse(
            FileBytes.read(vocabularyFile, limit: vocabularyLimit), file: vocabularyFile)
        let vocabulary = try readVocabulary(json, file: vocabularyFile)
        let mergesFile = directory + "/merges.txt"
        let lines = try mergeLines(FileBytes.read(mergesFile, limit: vocabularyLimit), file: mergesFile)
        let added = try AddedTokenFiles.read(directory: directory) { id(of: $0, in: vocabulary) }
        return try ByteLevelBPETokenizer(
            vocabulary: vocabulary, vocabularyFile: vocabularyFile,
            merges: readMerges(lines, vocabulary: vocabulary, added: added, file: mergesFile), added: added,
            usesNFC: true, takesWholeWords: false)
    }

    /// From `tokenizer.json` alone; its normaliser and pre-tokenizer must be Qwen2's.
    static func load(tokenizerJSON file: String, directory: String) throws(TokenizerError)
        -> ByteLevelBPETokenizer
    {
        let json = try JSONReader.parse(FileBytes.read(file, limit: vocabularyLimit), file: file)
        guard let model = json["model"], let words = model["vocab"] else {
            throw .malformed(file: file, reason: "no model with a vocabulary")
        }
        let type = model["type"]?.string ?? "BPE"
        guard type == "BPE" else { throw .unsupported(file: file, part: "model type", value: type) }
        try requireQwen2PreTokenizer(json, file: file)
        let vocabulary = try readVocabulary(words, file: file)
        var tokens: [AddedToken] = []
        for entry in json["added_tokens"]?.array ?? [] {
            tokens.append(try AddedTokenFiles.token(from: entry, id: entry["id"]?.integer ?? -1, file: file))
        }
        let added = try AddedTokenFiles.read(directory: directory, tokens: tokens) {
            id(of: $0, in: vocabulary)
        }
        let lines = try mergePairs(model["merges"]?.array ?? [], file: file)
        return try ByteLevelBPETokenizer(
            vocabulary: vocabulary, vocabularyFile: file,
            merges: readMerges(lines, vocabulary: vocabulary, added: added, file: file), added: added,
            usesNFC: usesNFC(json, file: file), takesWholeWords: model["ignore_merges"]?.bool ?? false)
    }

    private init(
        vocabulary: ByteStringTable, vocabularyFile: String, merges: MergeTable, added: AddedTokens,
        usesNFC: Bool,
        takesWholeWords: Bool
    ) throws(TokenizerError) {
        var byteIDs: [Int32] = []
        for byte in UInt8.min...UInt8.max {
            guard let id = vocabulary.id(of: CollectionOfOne(byte)) else {
                throw .missingByte(file: vocabularyFile, byte: byte)
            }
            byteIDs.append(Int32(id))
        }
        self.init(
            vocabulary: vocabulary, merges: merges, byteIDs: byteIDs, added: added, usesNFC: usesNFC,
            takesWholeWords: takesWholeWords)
    }

    private static func id(of spelling: String, in vocabulary: ByteStringTable) -> Int? {
        var bytes: [UInt8] = []
        guard ByteLevelAlphabet.appendBytes(of: spelling.utf8, to: &bytes) else { return nil }
        return vocabulary.id(of: bytes)
    }

    private static func readVocabulary(_ json: JSONValue, file: String) throws(TokenizerError)
        -> ByteStringTable
    {
        guard let members = json.object else {
            throw .malformed(file: file, reason: "vocabulary is not an object")
        }
        var table = ByteStringTable(capacity: members.count)
        var bytes: [UInt8] = []
        for (spelling, value) in members {
            guard let id = value.integer, 0..<AddedTokenFiles.largestID ~= id else {
                throw .malformed(file: file, reason: "id of token \"\(spelling)\"")
            }
            bytes.removeAll(keepingCapacity: true)
            // A spelling outside the alphabet can't come out of a merge: it only serves decoding.
            let searchable = ByteLevelAlphabet.appendBytes(of: spelling.utf8, to: &bytes)
            if !searchable { bytes = Array(spelling.utf8) }
            switch table.insert(bytes, id: id, searchable: searchable) {
            case .inserted: break
            case .duplicateKey: throw .duplicateToken(file: file, token: spelling)
            case .duplicateID: throw .duplicateID(file: file, id: id, token: spelling)
            }
        }
        return table
    }

    private struct MergeLine {
        var number: Int
        var left: ArraySlice<UInt8>
        var right: ArraySlice<UInt8>
    }

    /// Lines of `left right`; a first line `#version: ...` and empty lines are skipped.
    private static func mergeLines(_ text: [UInt8], file: String) throws(TokenizerError) -> [MergeLine] {
        var lines: [MergeLine] = []
        var number = 0
        var start = 0
        while start < text.count {
            var end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
            let next = end + 1
            number += 1
            while end > start, [0x20, 0x0D, 0x09].contains(text[end - 1]) { end -= 1 }
            let line = text[start..<end]
            start = next
            if line.isEmpty || (number == 1 && line.starts(with: "#version:".utf8)) { continue }
            guard let space = line.firstIndex(of: 0x20), space > line.startIndex,
                !line[(space + 1)...].contains(0x20)
            else { throw .malformed(file: file, reason: "line \(number) is not a pair of pieces") }
            lines.append(MergeLine(number: number, left: line[..<space], right: line[(space + 1)...]))
        }
        return lines
    }

    /// A tokenizer.json's merges: `"a b"` or `["a", "b"]`.
    private static func mergePairs(_ values: [JSONValue], file: String) throws(TokenizerError) -> [MergeLine]
    {
        var lines: [MergeLine] = []
        for (index, value) in values.enumerated() {
            var pair = (value.array ?? []).compactMap { $0.string.map { Array($0.utf8)[...] } }
            if let text = value.string { pair = Array(text.utf8).split(separator: 0x20) }
            guard pair.count == 2 else {
                throw .malformed(file: file, reason: "merge \(index) is not a pair")
            }
            lines.append(MergeLine(number: index, left: pair[0], right: pair[1]))
        }
        return lines
    }

    /// A merge that would make an added token's id is left out: plain text must never become a control token.
    private static func readMerges(
        _ lines: [MergeLine], vocabulary: ByteStringTable, added: AddedTokens, file: String
    ) throws(TokenizerError) -> MergeTable {
        var merges = MergeTable(capacity: lines.count)
        var bytes: [UInt8] = []
        for (rank, line) in lines.enumerated() {
            func unknown(_ piece: some Collection<UInt8>) -> TokenizerError {
                .mergeOutsideVocabulary(
                    file: file, line: line.number, piece: String(decoding: piece, as: UTF8.self))
            }
            bytes.removeAll(keepingCapacity: true)
            guard ByteLevelAlphabet.appendBytes(of: line.left, to: &bytes) else { throw unknown(line.left) }
            let middle = bytes.count
            guard ByteLevelAlphabet.appendBytes(of: line.right, to: &bytes) else { throw unknown(line.right) }
            guard let left = vocabulary.id(of: bytes[..<middle]) else { throw unknown(line.left) }
            guard let right = vocabulary.id(of: bytes[middle...]) else { throw unknown(line.right) }
            guard let merged = vocabulary.id(of: bytes) else { throw unknown(line.left + line.right) }
            if added.byID[merged] == nil { merges.add(left: left, right: right, merged: merged, rank: rank) }
        }
        return merges
    }

    private static func usesNFC(_ json: JSONValue, file: String) throws(TokenizerError) -> Bool {
        switch json["normalizer"] {
        case nil, .null: return false
        case .some(let normalizer):
            let type = normalizer["type"]?.string ?? "?"
            guard type == "NFC" else { throw .unsupported(file: file, part: "normalizer", value: type) }
            return true
        }
    }

    private static func requireQwen2PreTokenizer(_ json: JSONValue, file: String) throws(TokenizerError) {
        let steps = json["pre_tokenizer"]?["pretokenizers"]?.array ?? [json["pre_tokenizer"] ?? .null]
        let types = steps.map { $0["type"]?.string ?? "?" }
        let pattern = steps.first?["pattern"]?["Regex"]?.string
        guard types == ["Split", "ByteLevel"], pattern == qwen2Pattern else {
            throw .unsupported(
                file: file, part: "pre_tokenizer", value: pattern ?? types.joined(separator: ", "))
        }
    }
}

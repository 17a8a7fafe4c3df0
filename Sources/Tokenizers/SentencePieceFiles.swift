/// Reads a SentencePiece tokenizer from a checkpoint's files.
extension SentencePieceTokenizer {
    /// From `tokenizer.model`, with the folder's added tokens. A sequence begins with the model's BOS unless
    /// `tokenizer_config.json` says `"add_bos_token": false`.
    static func load(directory: String) throws(TokenizerError) -> SentencePieceTokenizer {
        let file = directory + "/tokenizer.model"
        let bytes = try FileBytes.read(file, limit: SentencePieceModel.limit)
        return try load(model: bytes, file: file, directory: directory)
    }

    package static func load(
        model bytes: [UInt8], file: String, directory: String
    ) throws(TokenizerError) -> SentencePieceTokenizer {
        let model = try SentencePieceModel.parse(bytes, file: file)
        let added = try AddedTokenFiles.read(directory: directory) { spelling in
            model.pieces.firstIndex { $0.text.elementsEqual(spelling.utf8) }
        }
        let vocabulary = try SentencePieceVocabulary(
            model, reserved: { added.byID[$0] != nil }, file: file)
        guard model.pieces.indices.contains(model.unknownID), model.pieces[model.unknownID].kind == .unknown
        else {
            throw .malformed(file: file, reason: "piece \(model.unknownID) is not the unknown piece")
        }
        let userDefined = PrefixMatcher(
            model.pieces.indices.filter { model.pieces[$0].kind == .userDefined && added.byID[$0] == nil }
                .map { model.pieces[$0].text })
        let addsBOS = try AddedTokenFiles.config(directory)?["add_bos_token"]?.bool ?? true
        let hasBOS = addsBOS && model.pieces.indices.contains(model.beginOfSequenceID)
        return SentencePieceTokenizer(
            vocabulary: vocabulary, byteIDs: try byteIDs(model, file: file),
            unknownID: Int32(model.unknownID),
            userDefined: userDefined, normalizer: try normalizer(model, userDefined, file: file),
            added: added,
            beginOfSequence: hasBOS ? Int32(model.beginOfSequenceID) : nil)
    }

    private static func normalizer(
        _ model: SentencePieceModel, _ userDefined: PrefixMatcher, file: String
    ) throws(TokenizerError) -> SentencePieceNormalizer {
        let map = CharacterMap(model.characterMap)
        if map == nil, !model.characterMap.isEmpty {
            throw .malformed(file: file, reason: "its character map is broken")
        }
        return SentencePieceNormalizer(
            map: map, userDefined: userDefined, addsDummyPrefix: model.addsDummyPrefix,
            removesExtraSpaces: model.removesExtraSpaces, escapesSpaces: model.escapesSpaces,
            spaceIsSuffix: model.spaceIsSuffix)
    }

    /// Ids of `<0x00>` ... `<0xFF>`; nil for a model without byte fallback.
    private static func byteIDs(_ model: SentencePieceModel, file: String) throws(TokenizerError) -> [Int32]?
    {
        guard model.usesByteFallback else { return nil }
        var ids = [Int32](repeating: -1, count: 256)
        for (id, piece) in model.pieces.enumerated() where piece.kind == .byte {
            let spelling = String(decoding: piece.text, as: UTF8.self)
            guard spelling.utf8.count == 6, spelling.hasPrefix("<0x"), spelling.hasSuffix(">"),
                let byte = UInt8(spelling.dropFirst(3).dropLast(), radix: 16)
            else { throw .malformed(file: file, reason: "byte piece \"\(spelling)\"") }
            ids[Int(byte)] = Int32(id)
        }
        if let missing = ids.firstIndex(of: -1) { throw .missingByte(file: file, byte: UInt8(missing)) }
        return ids
    }
}

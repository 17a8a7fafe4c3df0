/// Gathers added tokens from the files where Hugging Face's tokenizers keep them.
struct AddedTokenFiles {
    static let limit = 16 << 20
    static let largestID = 1 << 24

    private var tokens: [AddedToken] = []
    private var indexByID: [Int: Int] = [:]
    private var idBySpelling: [[UInt8]: Int] = [:]

    /// `tokenizer_config.json` (`added_tokens_decoder`), `added_tokens.json` and `special_tokens_map.json` of a
    /// folder, each where it exists, after `tokens` of a `tokenizer.json`. `vocabularyID` finds a special token
    /// that stands in the vocabulary itself.
    static func read(
        directory: String, tokens: [AddedToken] = [], vocabularyID: (String) -> Int?
    ) throws(TokenizerError) -> AddedTokens {
        var files = AddedTokenFiles()
        for token in tokens { try files.add(token) }
        if let config = try config(directory) {
            let file = directory + "/tokenizer_config.json"
            for (key, value) in config["added_tokens_decoder"]?.object ?? [] {
                guard let id = Int(key) else {
                    throw .malformed(file: file, reason: "added token id \"\(key)\"")
                }
                try files.add(token(from: value, id: id, file: file))
            }
        }
        if let added = try json(directory + "/added_tokens.json") {
            try files.readAddedTokens(added, file: directory + "/added_tokens.json")
        }
        if let map = try json(directory + "/special_tokens_map.json") {
            try files.readSpecialTokensMap(map, vocabularyID: vocabularyID)
        }
        return AddedTokens(files.tokens)
    }

    /// One entry of `added_tokens_decoder`, or of `added_tokens` in a `tokenizer.json`.
    static func token(from value: JSONValue, id: Int, file: String) throws(TokenizerError) -> AddedToken {
        guard let content = value["content"]?.string, !content.isEmpty else {
            throw .malformed(file: file, reason: "added token \(id) has no content")
        }
        guard 0..<largestID ~= id else { throw .malformed(file: file, reason: "added token id \(id)") }
        let special = value["special"]?.bool ?? false
        return AddedToken(
            id: id, content: content, stripsLeft: value["lstrip"]?.bool ?? false,
            stripsRight: value["rstrip"]?.bool ?? false, isSingleWord: value["single_word"]?.bool ?? false,
            isNormalized: value["normalized"]?.bool ?? !special, isSpecial: special)
    }

    static func config(_ directory: String) throws(TokenizerError) -> JSONValue? {
        try json(directory + "/tokenizer_config.json")
    }

    private static func json(_ path: String) throws(TokenizerError) -> JSONValue? {
        guard FileBytes.exists(path) else { return nil }
        return try JSONReader.parse(FileBytes.read(path, limit: limit), file: path)
    }

    /// `{"[SEG]": 151674}`: no flags, so they are those of an unlisted special token.
    private mutating func readAddedTokens(_ value: JSONValue, file: String) throws(TokenizerError) {
        guard let members = value.object else { throw .malformed(file: file, reason: "not an object") }
        for (content, value) in members {
            guard let id = value.integer, 0..<Self.largestID ~= id, !content.isEmpty else {
                throw .malformed(file: file, reason: "id of added token \"\(content)\"")
            }
            try add(AddedToken(id: id, content: content))
        }
    }

    /// A special token that isn't listed elsewhere but stands in the vocabulary is an added token too.
    private mutating func readSpecialTokensMap(
        _ value: JSONValue, vocabularyID: (String) -> Int?
    ) throws(TokenizerError) {
        for (_, member) in value.object ?? [] {
            for entry in member.array ?? [member] {
                guard let content = entry.string ?? entry["content"]?.string, !content.isEmpty else {
                    continue
                }
                guard idBySpelling[Array(content.utf8)] == nil, let id = vocabularyID(content) else {
                    continue
                }
                try add(AddedToken(id: id, content: content, isSpecial: true))
            }
        }
    }

    /// The first description of a token keeps its flags; a second one must agree on id and spelling.
    private mutating func add(_ token: AddedToken) throws(TokenizerError) {
        let spelling = Array(token.content.utf8)
        if let known = idBySpelling[spelling] {
            guard known == token.id else {
                throw .addedTokenConflict(token: token.content, ids: [known, token.id])
            }
            return
        }
        guard indexByID[token.id] == nil else {
            throw .addedTokenConflict(token: token.content, ids: [token.id])
        }
        indexByID[token.id] = tokens.count
        idBySpelling[spelling] = token.id
        tokens.append(token)
    }
}

/// What is wrong with a checkpoint's tokenizer files. Every case names the file that it was found in.
public enum TokenizerError: Error, Equatable, Sendable {
    /// The folder holds none of `vocab.json` + `merges.txt`, `tokenizer.json`, `tokenizer.model`.
    case noTokenizerFiles(directory: String)
    case unreadable(file: String, errno: Int32)
    case tooLarge(file: String, bytes: Int, limit: Int)
    case malformedJSON(file: String, offset: Int, reason: String)
    /// The file parses but a value isn't what the format asks for.
    case malformed(file: String, reason: String)
    case duplicateToken(file: String, token: String)
    case duplicateID(file: String, id: Int, token: String)
    /// A merge names a piece, or makes one, that the vocabulary doesn't have.
    case mergeOutsideVocabulary(file: String, line: Int, piece: String)
    /// A byte-level vocabulary must have a token for each of the 256 bytes.
    case missingByte(file: String, byte: UInt8)
    /// Two files, or two entries, give one added token different ids, or one id different spellings.
    case addedTokenConflict(token: String, ids: [Int])
    /// A `tokenizer.json` of a kind that isn't implemented; the part and what it says.
    case unsupported(file: String, part: String, value: String)
}

extension TokenizerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noTokenizerFiles(let directory):
            return
                "\(directory): no tokenizer files (vocab.json and merges.txt, tokenizer.json or tokenizer.model)"
        case .unreadable(let file, let errno):
            return "\(file): cannot be read (errno \(errno))"
        case .tooLarge(let file, let bytes, let limit):
            return "\(file): \(bytes) bytes, more than the limit of \(limit)"
        case .malformedJSON(let file, let offset, let reason):
            return "\(file): not valid JSON at byte \(offset): \(reason)"
        case .malformed(let file, let reason):
            return "\(file): \(reason)"
        case .duplicateToken(let file, let token):
            return "\(file): token \"\(token)\" appears twice"
        case .duplicateID(let file, let id, let token):
            return "\(file): id \(id) of token \"\(token)\" is taken by another token"
        case .mergeOutsideVocabulary(let file, let line, let piece):
            return "\(file): line \(line): \"\(piece)\" is not in the vocabulary"
        case .missingByte(let file, let byte):
            return "\(file): no token for byte \(byte)"
        case .addedTokenConflict(let token, let ids):
            return "added token \"\(token)\": conflicting ids \(ids)"
        case .unsupported(let file, let part, let value):
            return "\(file): \(part) \(value) is not supported"
        }
    }
}

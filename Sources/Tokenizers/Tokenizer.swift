/// Text to token ids and back, as the checkpoint's reference tokenizer does.
public protocol Tokenizer: Sendable {
    /// Ids of plain text. A special token's spelling inside `text` is ordinary text and never becomes its id.
    func encode(_ text: String) -> [Int32]
    /// Ids of text in which the spellings of added tokens do become those tokens (prompt templates, tests).
    func encodeWithAddedTokens(_ text: String) -> [Int32]
    func decode(_ ids: [Int32]) -> String
    /// The id of an added token by its exact spelling, for example "[SEG]".
    func addedToken(_ spelling: String) -> Int32?
    /// Begin-of-sequence id that stands in front of a prompt, where the family has one (InternLM2).
    var beginOfSequence: Int32? { get }
    /// Number of ids, added tokens included.
    var vocabularySize: Int { get }
}

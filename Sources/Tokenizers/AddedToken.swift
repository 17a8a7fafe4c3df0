/// A token outside the learned vocabulary, matched by its exact spelling (Hugging Face `AddedToken`).
struct AddedToken: Sendable, Equatable {
    var id: Int
    var content: String
    /// White space on this side of the token belongs to it.
    var stripsLeft = false
    var stripsRight = false
    /// Matches only where no word character touches it.
    var isSingleWord = false
    /// True when it is looked for in the normalised text, false in the text as it stands. Qwen2's and
    /// InternVL's are all false.
    var isNormalized = false
    /// A control token by the checkpoint's own word; it decides nothing but the default of `isNormalized`.
    var isSpecial = false
}

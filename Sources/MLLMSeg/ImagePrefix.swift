import Tensors

/// All that a picture's phrases share: keys and values of the prompt up to `</img>`, and the mask decoder's state just
/// before the phrase enters. Immutable once made.
final class ImagePrefix: Sendable {
    /// The system prompt's part, which all pictures share, and the picture's own.
    let context: [KeyValueCache]
    /// norm1 of the decoder's text layer, `[grid * grid, d]`.
    let prepared: Matrix

    /// Without what is shared.
    let bytes: Int

    init(system: KeyValueCache, own: KeyValueCache, prepared: Matrix) {
        context = [system, own]
        bytes = own.bytes + prepared.rows * prepared.columns * 4
        self.prepared = prepared
    }

    /// Tokens.
    var count: Int { context.reduce(0) { $0 + $1.count } }
}

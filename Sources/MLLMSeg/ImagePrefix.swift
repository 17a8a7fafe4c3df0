import Tensors

/// All that a picture's phrases share: keys and values of the prompt up to `</img>`, and the mask decoder's state just
/// before the phrase enters. Immutable once made.
final class ImagePrefix: Sendable {
    let cache: KeyValueCache
    /// norm1 of the decoder's text layer, `[grid * grid, d]`.
    let prepared: Matrix

    init(cache: KeyValueCache, prepared: Matrix) {
        self.cache = cache
        self.prepared = prepared
    }

    var bytes: Int { cache.bytes + prepared.rows * prepared.columns * 4 }
}

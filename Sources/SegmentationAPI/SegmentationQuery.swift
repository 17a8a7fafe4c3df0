import Segmentation

/// What one client asks, checked.
struct SegmentationQuery: Sendable {
    enum Picture: Sendable {
        case uploaded([UInt8])
        case stored(ImageDigest)
    }

    var picture: Picture
    /// Trimmed; none blank or too long.
    var expressions: [String]
    var formats: [MaskFormat] = [.png]
    var mode = InferenceMode.independent
    var threshold: Float = 0.5
    /// From the arrival of the request.
    var deadline: Duration?
    /// One mask for each expression, the union of what the model found.
    var union = false
}

/// What the engine needs from a model. Called from the one inference thread only; what it calls back may be called
/// from any thread of the model's.
public protocol SegmentationBackend: AnyObject, Sendable {
    var model: ModelDescription { get }

    /// Answers the requests of one batch, in order. `isCancelled(i)` is asked between stages: when it
    /// says true the rest of request i is skipped and its result is `CancellationError`.
    func segment(
        _ batch: [SegmentationRequest], isCancelled: (Int) -> Bool
    ) -> [Result<SegmentationResult, any Error>]

    /// The cache of picture computations, for metrics; a backend without one needs nothing.
    var imageCache: ImageCacheStatistics { get }
}

extension SegmentationBackend {
    public var imageCache: ImageCacheStatistics { ImageCacheStatistics() }
}

/// What a model says of itself to people and to metrics.
public struct ModelDescription: Sendable, Codable {
    public var name: String
    public var family: String
    public var parameters: Int
    /// Side of the square that pictures are resized to, in pixels.
    public var imageSize: Int
    /// False where the [SEG] and [REJ] rows are equal: such a checkpoint can never answer "not in this picture".
    public var canReject: Bool

    public init(name: String, family: String, parameters: Int, imageSize: Int, canReject: Bool) {
        self.name = name
        self.family = family
        self.parameters = parameters
        self.imageSize = imageSize
        self.canReject = canReject
    }
}

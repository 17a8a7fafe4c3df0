import Segmentation

/// One request as the engine sees it.
public struct InferenceJob: Sendable {
    public var request: SegmentationRequest
    /// Equal for equal pictures, for example the digest of the uploaded bytes.
    public var pictureKey: String
    public var deadline: ContinuousClock.Instant?

    public init(
        request: SegmentationRequest, pictureKey: String, deadline: ContinuousClock.Instant? = nil
    ) {
        self.request = request
        self.pictureKey = pictureKey
        self.deadline = deadline
    }
}

/// The model's answer and how it came about.
public struct ServedResult: Sendable {
    public var result: SegmentationResult
    /// Seconds between admission of the job and the start of its batch.
    public var queueWait: Double
    /// Seconds the whole batch was computed.
    public var compute: Double
    /// Requests in the batch.
    public var batchSize: Int
}

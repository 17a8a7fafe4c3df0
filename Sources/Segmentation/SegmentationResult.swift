/// The answer to one `SegmentationRequest`.
public struct SegmentationResult: Sendable {
    /// One entry per expression, in the order asked.
    public var expressions: [ExpressionResult]
    public var timings: StageTimings
    /// True when the picture's own computation came from the cache.
    public var imageCacheHit: Bool

    public init(expressions: [ExpressionResult], timings: StageTimings, imageCacheHit: Bool) {
        self.expressions = expressions
        self.timings = timings
        self.imageCacheHit = imageCacheHit
    }
}

public struct ExpressionResult: Sendable {
    public var expression: String
    /// True when the model says that nothing in the picture is meant ([REJ]); `masks` is then empty.
    public var rejected: Bool
    /// softmax over the two marker logits: P([REJ]) / (P([SEG]) + P([REJ])). Nil where the checkpoint can't tell.
    public var rejectionScore: Float?
    /// One for each [SEG] token.
    public var masks: [ScoredMask]

    public init(expression: String, rejected: Bool, rejectionScore: Float?, masks: [ScoredMask]) {
        self.expression = expression
        self.rejected = rejected
        self.rejectionScore = rejectionScore
        self.masks = masks
    }
}

/// A mask with the mean probability of its pixels (0 when the mask is empty).
public struct ScoredMask: Sendable {
    public var mask: Mask
    public var score: Float

    public init(mask: Mask, score: Float) {
        self.mask = mask
        self.score = score
    }
}

/// Seconds of wall-clock time that one request spent in each stage of the model.
public struct StageTimings: Sendable {
    public var resize: Double = 0
    public var vision: Double = 0
    public var language: Double = 0
    public var mask: Double = 0

    public init() {}
}

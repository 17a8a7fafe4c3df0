import Images

/// One picture and the phrases asked about it.
public struct SegmentationRequest: Sendable {
    public var image: RGBImage
    /// The same picture at the model's size, where it has been made beforehand.
    public var input: ModelInput?
    /// Referring expressions as the user typed them; at least one, none blank.
    public var expressions: [String]
    public var mode: InferenceMode
    /// A pixel belongs to the mask when its probability is at least this; 0 < threshold < 1.
    public var threshold: Float

    public init(
        image: RGBImage, input: ModelInput? = nil, expressions: [String], mode: InferenceMode = .independent,
        threshold: Float = 0.5
    ) {
        self.image = image
        self.input = input
        self.expressions = expressions
        self.mode = mode
        self.threshold = threshold
    }
}

/// How several expressions of one picture are put to the language model.
public enum InferenceMode: String, Sendable, CaseIterable, Codable {
    /// Each expression in a sequence of its own: answers don't depend on what else was asked.
    case independent
    /// All expressions in one sequence, as the authors' evaluation does.
    case packed
    /// The language model writes its answer token by token.
    case generate
}

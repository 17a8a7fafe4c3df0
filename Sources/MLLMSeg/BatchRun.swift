import Segmentation
import Tensors

/// One batch while it is computed: pictures first, then all phrases together, then results.
struct BatchRun {
    /// One sequence of text for the language model and the expressions it decides.
    struct Question {
        /// Index of its request in the batch.
        var request: Int
        /// Place of its first expression in the request; one for each marker follows.
        var firstExpression: Int
        var phrase: PhrasePrompt
    }

    /// A mask that was decided on and not decoded yet.
    struct WantedMask {
        var request: Int
        var expression: Int
        /// `[1, t]`
        var segment: Matrix
    }

    let requests: [SegmentationRequest]
    /// Nil for a request that was cancelled before.
    let inputs: [(input: ModelInput, clock: StageClock)?]
    let context: ComputeContext
    /// Contexts of single threads for masks side by side; none where this run has one thread itself.
    let lanes: [ComputeContext]
    var prefixes: [[UInt8]: ImagePrefix] = [:]
    var pictures: [Picture?]
    var questions: [Question] = []
    var answers: [[ExpressionResult?]]
    var failures: [Int: any Error] = [:]

    init(
        requests: [SegmentationRequest], inputs: [(input: ModelInput, clock: StageClock)?],
        context: ComputeContext, lanes: [ComputeContext]
    ) {
        self.requests = requests
        self.inputs = inputs
        self.context = context
        self.lanes = lanes
        pictures = requests.map { _ in nil }
        answers = requests.map { Array(repeating: nil, count: $0.expressions.count) }
    }

    /// The requests on the picture of this one.
    func sharing(_ index: Int) -> [Int] {
        requests.indices.filter { inputs[$0]?.input.digest == inputs[index]?.input.digest }
    }

    /// Questions in order, joined while their tokens together stay within the limit; a longer one goes alone.
    func groups(maximumTokens: Int) -> [[Question]] {
        var groups: [[Question]] = []
        var tokens = 0
        for question in questions where failures[question.request] == nil {
            tokens += question.phrase.ids.count
            if groups.isEmpty || tokens > maximumTokens {
                groups.append([question])
                tokens = question.phrase.ids.count
            } else {
                groups[groups.count - 1].append(question)
            }
        }
        return groups
    }

    /// One result for each request. What is not whole was cancelled on the way.
    func results() -> [Result<SegmentationResult, any Error>] {
        requests.indices.map { index in
            if let failure = failures[index] { return .failure(failure) }
            let expressions = answers[index].compactMap(\.self)
            guard let picture = pictures[index], expressions.count == requests[index].expressions.count else {
                return .failure(CancellationError())
            }
            return .success(
                SegmentationResult(
                    expressions: expressions, timings: picture.clock.timings,
                    imageCacheHit: picture.cacheHit))
        }
    }
}

/// One request's picture while its batch runs.
struct Picture {
    var prefix: ImagePrefix
    var clock: StageClock
    var cacheHit: Bool
}

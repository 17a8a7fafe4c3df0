import Images
import Segmentation
import Synchronization
import Dispatch

/// A model whose answer is computed from picture and phrase alone, and which can be held at a gate so that a
/// test decides when a batch starts and ends.
final class GatedBackend: SegmentationBackend {
    struct Broken: Error, Equatable {}

    let model = ModelDescription(
        name: "gated", family: "test", parameters: 0, imageSize: 8, canReject: true)
    private let gate = DispatchSemaphore(value: 0)
    private let gated: Bool
    private let stages: Int
    private let log = Mutex<[[String]]>([])

    /// `gated`: each batch waits for one `open()` in front of each of its `stages`.
    init(gated: Bool = false, stages: Int = 1) {
        self.gated = gated
        self.stages = stages
    }

    func open(_ times: Int = 1) {
        for _ in 0..<times { gate.signal() }
    }

    /// The expressions of each batch so far.
    var batches: [[String]] { log.withLock { $0 } }

    func segment(
        _ batch: [SegmentationRequest], isCancelled: (Int) -> Bool
    ) -> [Result<SegmentationResult, any Error>] {
        log.withLock { $0.append(batch.flatMap(\.expressions)) }
        var cancelled = Set<Int>()
        for _ in 0..<stages {
            if gated { gate.wait() }
            for index in batch.indices where isCancelled(index) { cancelled.insert(index) }
        }
        return batch.enumerated().map { index, request in
            if cancelled.contains(index) { return .failure(CancellationError()) }
            if request.expressions.contains("break") { return .failure(Broken()) }
            return .success(Self.answer(request))
        }
    }

    /// "none" is rejected; else the pixels whose red is at least the phrase's length.
    static func answer(_ request: SegmentationRequest) -> SegmentationResult {
        let image = request.image
        let results = request.expressions.map { expression in
            let least = expression.utf8.count
            let pixels = (0..<image.width * image.height).map { index -> UInt8 in
                Int(image.pixels[index * 3]) >= least ? 1 : 0
            }
            let mask = Mask(width: image.width, height: image.height, pixels: pixels)
            let rejected = expression == "none"
            return ExpressionResult(
                expression: expression, rejected: rejected, rejectionScore: rejected ? 1 : 0,
                masks: rejected ? [] : [ScoredMask(mask: mask, score: 0.75)])
        }
        var timings = StageTimings()
        timings.vision = 0.5
        return SegmentationResult(
            expressions: results, timings: timings, imageCacheHit: request.expressions.contains("again"))
    }
}

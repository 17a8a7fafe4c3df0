import Dispatch
import Images
import Segmentation

/// A model that finds colours: "red" is every pixel whose red is above both others; "absent" and "a zebra" are
/// rejected,
/// "break" fails, "two colours" gives two masks. Deterministic, so that answers can be computed by hand.
final class ColourBackend: SegmentationBackend {
    struct Broken: Error {}

    let model = ModelDescription(
        name: "colours", family: "test", parameters: 3, imageSize: 8, canReject: true)
    /// Held at the gate in front of each batch when given.
    private let gate: DispatchSemaphore?

    init(gate: DispatchSemaphore? = nil) {
        self.gate = gate
    }

    func segment(
        _ batch: [SegmentationRequest], isCancelled: (Int) -> Bool
    ) -> [Result<SegmentationResult, any Error>] {
        gate?.wait()
        return batch.enumerated().map { index, request in
            if isCancelled(index) { return .failure(CancellationError()) }
            if request.expressions.contains("break") { return .failure(Broken()) }
            return .success(
                SegmentationResult(
                    expressions: request.expressions.map { answer($0, request) }, timings: StageTimings(),
                    imageCacheHit: false))
        }
    }

    private func answer(_ expression: String, _ request: SegmentationRequest) -> ExpressionResult {
        let masks: [Mask] =
            switch expression {
            case "absent", "a zebra": []
            case "two colours": [mask(0, request.image), mask(2, request.image)]
            case "green", "green apple", "the green apple": [mask(1, request.image)]
            case "blue": [mask(2, request.image)]
            default: [mask(0, request.image)]
            }
        return ExpressionResult(
            expression: expression, rejected: masks.isEmpty, rejectionScore: masks.isEmpty ? 0.98 : 0.25,
            masks: masks.enumerated().map { ScoredMask(mask: $1, score: $0 == 0 ? 0.93 : 0.5) })
    }

    private func mask(_ channel: Int, _ image: RGBImage) -> Mask {
        let pixels = (0..<image.width * image.height).map { index -> UInt8 in
            let colour = image.pixels[index * 3..<index * 3 + 3].map { Int($0) }
            return (0..<3).allSatisfy { $0 == channel || colour[channel] > colour[$0] } ? 1 : 0
        }
        return Mask(width: image.width, height: image.height, pixels: pixels)
    }
}

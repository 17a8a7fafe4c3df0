import Glibc
import HTTP1
import Images
import Logging
import Observability
import Segmentation
import SegmentationAPI
import Serving
import TestServing

/// The whole service around a model that computes nothing and takes exactly as long as it is told: what is
/// measured then is the server. `--stage-milliseconds N` (10), four stages for each batch, come before the
/// arguments of every test server.
@main
struct PacedServer {
    static func main() {
        var arguments = Array(CommandLine.arguments.dropFirst())
        var milliseconds: UInt32 = 10
        if arguments.first == "--stage-milliseconds", arguments.count > 1 {
            milliseconds = UInt32(arguments[1]) ?? milliseconds
            arguments.removeFirst(2)
        }
        let registry = MetricsRegistry()
        let engine = Engine(metrics: ServingMetrics(registry))
        let quiet = Logger(label: "paced-server") { _ in SwiftLogNoOpLogHandler() }
        let service = SegmentationService(engine: engine, registry: registry, logger: quiet)
        engine.start(loading: { [milliseconds] in PacedBackend(stageMilliseconds: milliseconds) })
        serveUntilTerminated(service, arguments: arguments)
    }
}

/// Answers every phrase with the mask of the whole picture.
final class PacedBackend: SegmentationBackend {
    let model = ModelDescription(
        name: "paced", family: "test", parameters: 0, imageSize: 8, canReject: true)
    private let stageMilliseconds: UInt32

    init(stageMilliseconds: UInt32) {
        self.stageMilliseconds = stageMilliseconds
    }

    func segment(
        _ batch: [SegmentationRequest], isCancelled: (Int) -> Bool
    ) -> [Result<SegmentationResult, any Error>] {
        for _ in 0..<4 where !batch.indices.allSatisfy(isCancelled) { usleep(stageMilliseconds * 1000) }
        return batch.enumerated().map { index, request in
            if isCancelled(index) { return .failure(CancellationError()) }
            let image = request.image
            let mask = Mask(
                width: image.width, height: image.height,
                pixels: [UInt8](repeating: 1, count: image.width * image.height))
            let results = request.expressions.map {
                ExpressionResult(
                    expression: $0, rejected: false, rejectionScore: 0,
                    masks: [ScoredMask(mask: mask, score: 1)])
            }
            return .success(
                SegmentationResult(expressions: results, timings: StageTimings(), imageCacheHit: false))
        }
    }
}

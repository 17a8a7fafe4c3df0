import Images
import Observability
import Segmentation
import Serving

/// An engine that is ready, without warm-up so that `backend.batches` holds only the test's own.
func engine(
    _ backend: GatedBackend, capacity: Int = 64, pictureBytes: Int = 1 << 20,
    policy: BatchPolicy = BatchPolicy()
) async -> (Engine, ServingMetrics) {
    var configuration = EngineConfiguration()
    configuration.queueCapacity = capacity
    configuration.pictureBytes = pictureBytes
    configuration.policy = policy
    configuration.warmUp = false
    let metrics = ServingMetrics(MetricsRegistry())
    let engine = Engine(configuration: configuration, metrics: metrics)
    engine.start(loading: { backend })
    _ = await engine.waitUntilLoaded()
    return (engine, metrics)
}

/// 8 x 8 pixels whose reds are 0, 4, 8, ..., 252.
func job(_ phrase: String, picture: String = "p", deadline: Duration? = nil) -> InferenceJob {
    let pixels = (0..<64).flatMap { number -> [UInt8] in [UInt8(number * 4), 0, 0] }
    let image = RGBImage(width: 8, height: 8, pixels: pixels)
    return InferenceJob(
        request: SegmentationRequest(image: image, expressions: [phrase]), pictureKey: picture,
        deadline: deadline.map { ContinuousClock.now + $0 })
}

func area(atLeast red: Int) -> Int {
    (0..<64).count { $0 * 4 >= red }
}

/// Waits for `condition`; the suite's time limit ends a wait in vain.
func until(_ condition: () -> Bool) async throws {
    while !condition() { try await Task.sleep(for: .milliseconds(1)) }
}

/// The refusal in a few words, or "answered".
func failure(of body: () async throws -> ServedResult) async -> String {
    do {
        _ = try await body()
        return "answered"
    } catch ServingError.queueFull(let waiting, let capacity, _) {
        return "full \(waiting)/\(capacity)"
    } catch ServingError.picturesTooLarge(let bytes, let limit, _) {
        return "pictures \(bytes)/\(limit)"
    } catch ServingError.notReady(let phase) {
        return "not ready: \(phase.name)"
    } catch ServingError.deadlinePassed(let phase, _) {
        return "deadline in \(phase.rawValue)"
    } catch ServingError.cancelled(let phase) {
        return "cancelled in \(phase.rawValue)"
    } catch ServingError.backendFailed(let error) {
        return "failed: \(error)"
    } catch {
        return "\(error)"
    }
}

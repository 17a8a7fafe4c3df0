import Segmentation

typealias ServedOutcome = Result<ServedResult, ServingError>

/// Everything that changes inside the engine. Owned by `Engine`, touched only under its lock; the lock is
/// never held while the model computes or a continuation runs.
struct EngineState {
    struct Accepted {
        let id: UInt64
        let job: InferenceJob
        let admitted: ContinuousClock.Instant
        let submitted = ContinuousClock.now
        let continuation: CheckedContinuation<ServedOutcome, Never>
    }

    var phase = EnginePhase.loading
    var model: ModelDescription?
    /// In order of arrival.
    var waiting: [Accepted] = []
    var running: [UInt64: Accepted] = [:]
    /// Admissions given whose job hasn't been submitted yet.
    var reserved = 0
    var nextID: UInt64 = 0
    var serviceTime: Double?
    var imageCache = ImageCacheStatistics()
    var drained: [CheckedContinuation<Void, Never>] = []
    var loaded: [CheckedContinuation<Bool, Never>] = []

    /// Requests that occupy the queue.
    var depth: Int { waiting.count + reserved }

    /// Nothing accepted is left to do.
    var isIdle: Bool { depth == 0 && running.isEmpty }

    /// Bytes of the pictures of waiting and running requests, each picture once, without `key`'s.
    func pictureBytes(besides key: String) -> Int {
        var seen: Set<String> = [key]
        var bytes = 0
        for accepted in waiting + running.values where seen.insert(accepted.job.pictureKey).inserted {
            bytes += accepted.job.request.image.pixels.count
        }
        return bytes
    }

    /// Seconds until the work that waits now should be done, between 1 and 60.
    var backlogSeconds: Double {
        min(60, max(1, Double(depth + running.count) * (serviceTime ?? 1)))
    }

    /// Exponential average over the last ten batches or so.
    mutating func record(serviceTime seconds: Double) {
        serviceTime = serviceTime.map { $0 * 0.8 + seconds * 0.2 } ?? seconds
    }
}

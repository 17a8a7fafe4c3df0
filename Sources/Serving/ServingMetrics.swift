import Observability

/// The families of the queue and the model (names as in the HTTP interface's documentation).
public struct ServingMetrics: Sendable {
    public let queueDepth: Gauge
    public let queueCapacity: Gauge
    public let inFlight: Gauge
    public let queueWait: Histogram
    public let batchSize: Histogram
    public let stageDuration: Histogram
    public let shed: Counter
    public let cancelled: Counter
    public let expressions: Counter
    public let modelReady: Gauge
    public let imageCacheHits: Counter
    public let imageCacheMisses: Counter
    public let imageCacheEvictions: Counter
    public let imageCacheBytes: Gauge

    private static let seconds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    public init(_ registry: MetricsRegistry) {
        queueDepth = registry.gauge(
            "mllmseg_queue_depth", "Requests admitted and waiting for the model.")
        queueCapacity = registry.gauge(
            "mllmseg_queue_capacity", "Requests that may wait before new ones are refused.")
        inFlight = registry.gauge("mllmseg_requests_in_flight", "Requests that the model is computing.")
        queueWait = registry.histogram(
            "mllmseg_queue_wait_seconds", "Time from admission to the start of the batch.",
            buckets: Self.seconds)
        batchSize = registry.histogram(
            "mllmseg_batch_size", "Requests computed together.", buckets: [1, 2, 4, 8, 16, 32, 64])
        stageDuration = registry.histogram(
            "mllmseg_stage_duration_seconds", "Time of one request in one stage.", labels: ["stage"],
            buckets: Self.seconds)
        shed = registry.counter(
            "mllmseg_requests_shed_total", "Requests refused to protect the service.", labels: ["reason"])
        shed.declare(["queue_full"], ["picture_memory"], ["not_ready"], ["deadline"], ["rate_limit"])
        cancelled = registry.counter(
            "mllmseg_requests_cancelled_total", "Requests whose client went away.", labels: ["phase"])
        cancelled.declare([WorkPhase.queue.rawValue], [WorkPhase.compute.rawValue])
        expressions = registry.counter(
            "mllmseg_expressions_total", "Expressions answered, by outcome.", labels: ["outcome"])
        expressions.declare(["segmented"], ["rejected"], ["failed"])
        modelReady = registry.gauge("mllmseg_model_ready", "1 when the model answers requests, else 0.")
        imageCacheHits = registry.counter(
            "mllmseg_image_cache_hits_total", "Requests whose picture the model had computed before.")
        imageCacheMisses = registry.counter(
            "mllmseg_image_cache_misses_total", "Requests whose picture the model had to compute.")
        imageCacheEvictions = registry.counter(
            "mllmseg_image_cache_evictions_total", "Computed pictures dropped to make room.")
        imageCacheBytes = registry.gauge(
            "mllmseg_image_cache_bytes", "Memory that computed pictures hold, in bytes.")
    }

    /// A request whose client had used its allowance up.
    public func countRateLimited() { shed.increment(["rate_limit"]) }

    /// A request that was turned away before it waited.
    func countRefusal(_ error: ServingError) {
        switch error {
        case .queueFull: shed.increment(["queue_full"])
        case .picturesTooLarge: shed.increment(["picture_memory"])
        case .notReady: shed.increment(["not_ready"])
        case .cancelled(let phase): cancelled.increment([phase.rawValue])
        case .deadlinePassed, .backendFailed: break
        }
    }

    /// The end of a request that had been accepted.
    func countOutcome(_ outcome: ServedOutcome, expressions count: Int) {
        switch outcome {
        case .success(let served): countAnswer(served)
        case .failure(.deadlinePassed): shed.increment(["deadline"])
        case .failure(.cancelled(let phase)): cancelled.increment([phase.rawValue])
        case .failure(.backendFailed): expressions.increment(["failed"], by: Double(count))
        case .failure(let error): countRefusal(error)
        }
    }

    private func countAnswer(_ served: ServedResult) {
        let timings = served.result.timings
        let stages = [
            ("queue", served.queueWait), ("resize", timings.resize), ("vision", timings.vision),
            ("language", timings.language), ("mask", timings.mask),
        ]
        for (stage, seconds) in stages { stageDuration.observe(seconds, [stage]) }
        for expression in served.result.expressions {
            expressions.increment([expression.rejected ? "rejected" : "segmented"])
        }
        (served.result.imageCacheHit ? imageCacheHits : imageCacheMisses).increment()
    }
}

/// The engine's limits.
public struct EngineConfiguration: Sendable, Equatable {
    /// Requests that may wait, those whose picture is still being decoded included.
    public var queueCapacity = 64
    /// Bytes of decoded pictures that waiting and running requests may hold together. One request alone is
    /// always accepted.
    public var pictureBytes = 512 << 20
    public var policy = BatchPolicy()
    /// Computes one small picture before the first request, so that it doesn't pay for first touches.
    public var warmUp = true

    public init() {}
}

/// The engine at one moment, for people and probes.
public struct EngineStatus: Sendable, Equatable {
    public var phase: EnginePhase
    public var waiting: Int
    public var running: Int
    public var capacity: Int
    /// Seconds of model time per request, averaged over recent batches; nil before the first.
    public var serviceTime: Double?
}

/// Why a request got no answer from the model.
public enum ServingError: Error, Sendable {
    /// As many requests wait as may wait. `retryAfter`: seconds until there should be room, from recent
    /// service times.
    case queueFull(waiting: Int, capacity: Int, retryAfter: Double)
    /// The pictures of waiting requests hold as much memory as they may.
    case picturesTooLarge(bytes: Int, limit: Int, retryAfter: Double)
    /// The model isn't there yet, or no longer.
    case notReady(EnginePhase)
    /// The deadline passed, `after` seconds from admission.
    case deadlinePassed(WorkPhase, after: Double)
    /// The client went away.
    case cancelled(WorkPhase)
    /// The model failed on this request.
    case backendFailed(any Error)

    /// There is more work than room for it; it goes on elsewhere or later.
    public var isOverload: Bool {
        switch self {
        case .queueFull, .picturesTooLarge: true
        default: false
        }
    }
}

/// How far a request had come.
public enum WorkPhase: String, Sendable {
    case queue
    case compute
}

/// What the engine is doing as a whole.
public enum EnginePhase: Sendable, Equatable {
    case loading
    case warmingUp
    case ready
    /// Accepted work is finished, new work refused.
    case draining
    case stopped
    /// Loading the model failed.
    case failed

    /// One word for probes and people.
    public var name: String {
        switch self {
        case .loading: "loading"
        case .warmingUp: "warming up"
        case .ready: "ready"
        case .draining: "draining"
        case .stopped: "stopped"
        case .failed: "failed"
        }
    }
}

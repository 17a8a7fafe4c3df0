import Synchronization

/// A place in the queue, taken before the picture is decoded so that a refusal costs nothing. Given back
/// when it is submitted, or when the last reference goes.
public final class Admission: Sendable {
    /// When the place was taken: queue wait counts from here.
    public let instant: ContinuousClock.Instant
    private let engine: Engine
    private let held = Mutex(true)

    init(engine: Engine, instant: ContinuousClock.Instant) {
        self.engine = engine
        self.instant = instant
    }

    deinit {
        if use() { engine.giveBack() }
    }

    /// True once.
    func use() -> Bool {
        held.withLock { held in
            defer { held = false }
            return held
        }
    }
}

import Dispatch
import Synchronization

/// Splits loops over a fixed number of threads. The caller works too, so a team of one never waits.
public struct ThreadTeam: Sendable {
    public let threads: Int

    public init(threads: Int) {
        precondition(threads > 0, "a team has at least one thread")
        self.threads = threads
    }

    /// Calls `body(item, worker)` for each item once; a worker number below `threads` is never in two calls at
    /// a time, so it names scratch memory. Items start in order.
    public func forEach(_ items: Int, _ body: (_ item: Int, _ worker: Int) -> Void) {
        let workers = min(threads, items)
        guard workers > 1 else {
            for item in 0..<items { body(item, 0) }
            return
        }
        let next = Atomic<Int>(0)
        // The closure is called on other threads only while this call lasts.
        withoutActuallyEscaping(body) { body in
            let shared = UncheckedBody(body: body)
            DispatchQueue.concurrentPerform(iterations: workers) { worker in
                while true {
                    let item = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard item < items else { return }
                    shared.body(item, worker)
                }
            }
        }
    }

    /// Splits `count` rows into about equal ranges of at least `minimum` and calls `body` for each.
    public func forEachRange(_ count: Int, minimum: Int, _ body: (Range<Int>) -> Void) {
        let parts = max(1, min(threads, count / max(minimum, 1)))
        forEach(parts) { part, _ in
            body(count * part / parts..<count * (part + 1) / parts)
        }
    }
}

private struct UncheckedBody: @unchecked Sendable {
    let body: (Int, Int) -> Void
}

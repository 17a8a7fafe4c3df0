/// Splits loops over a fixed number of threads that live as long as the team. Owned by one thread: its calls
/// neither overlap nor nest. The caller works too, so a team of one has no threads of its own and never waits.
public final class ThreadTeam: Sendable {
    public let threads: Int
    private let crew: ThreadCrew?

    public init(threads: Int) {
        precondition(threads > 0, "a team has at least one thread")
        self.threads = threads
        crew = threads > 1 ? ThreadCrew(members: threads - 1) : nil
    }

    deinit { crew?.dismiss() }

    /// Calls `body(item, worker)` for each item once; a worker number below `threads` is never in two calls at
    /// a time, so it names scratch memory. Items start in order.
    public func forEach(_ items: Int, _ body: (_ item: Int, _ worker: Int) -> Void) {
        guard let crew, items > 1 else {
            for item in 0..<items { body(item, 0) }
            return
        }
        // The closure is called on other threads only while this call lasts.
        withoutActuallyEscaping(body) { crew.run(items, $0) }
    }

    /// What `body` returns for each item, in the items' order.
    public func map<Value>(_ items: Int, _ body: (_ item: Int, _ worker: Int) -> Value) -> [Value] {
        Array(unsafeUninitializedCapacity: items) { memory, count in
            let slots = Slots(base: memory.baseAddress)
            forEach(items) { item, worker in
                slots.base?.advanced(by: item).initialize(to: body(item, worker))
            }
            count = items
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

/// Where threads leave results, each in a place of its own.
private struct Slots<Value>: @unchecked Sendable {
    let base: UnsafeMutablePointer<Value>?
}

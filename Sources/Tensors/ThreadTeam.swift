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

    /// Runs each item of a loop once. Items start in order. Allocates nothing.
    public func run(_ items: Int, _ loop: some ParallelLoop) {
        guard let crew, items > 1 else {
            for item in 0..<items { loop.run(item, as: 0) }
            return
        }
        crew.run(items, loop)
    }

    /// Splits `count` rows into about equal ranges of at least `minimum` for the threads. Allocates nothing.
    public func run(rows count: Int, minimum: Int, _ loop: some ParallelRows) {
        let parts = max(1, min(threads, count / max(minimum, 1)))
        run(parts, Parts(count: count, parts: parts, loop: loop))
    }

    /// Calls `body(item, worker)` for each item once: a loop for where an allocation doesn't matter.
    public func forEach(_ items: Int, _ body: (_ item: Int, _ worker: Int) -> Void) {
        // The closure is called on other threads only while this call lasts.
        withoutActuallyEscaping(body) { run(items, Closure(body: $0)) }
    }

    /// The same over about equal ranges of `count` rows, each of at least `minimum`.
    public func forEachRange(_ count: Int, minimum: Int, _ body: (Range<Int>) -> Void) {
        withoutActuallyEscaping(body) { run(rows: count, minimum: minimum, RowsClosure(body: $0)) }
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
}

private struct Parts<Loop: ParallelRows>: ParallelLoop {
    let count: Int
    let parts: Int
    let loop: Loop

    func run(_ part: Int, as worker: Int) {
        loop.run(count * part / parts..<count * (part + 1) / parts)
    }
}

private struct Closure: ParallelLoop {
    let body: (_ item: Int, _ worker: Int) -> Void

    func run(_ item: Int, as worker: Int) { body(item, worker) }
}

private struct RowsClosure: ParallelRows {
    let body: (Range<Int>) -> Void

    func run(_ rows: Range<Int>) { body(rows) }
}

/// Where threads leave results, each in a place of its own.
private struct Slots<Value>: @unchecked Sendable {
    let base: UnsafeMutablePointer<Value>?
}

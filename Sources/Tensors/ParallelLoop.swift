/// What a loop does with each item, on any thread of a team.
///
/// A value rather than a closure: Swift puts what a closure has captured on the heap before other threads may call
/// it, and a forward pass, which allocates nothing, has hundreds of loops.
public protocol ParallelLoop {
    /// A worker number below the team's `threads` is never in two calls at a time, so it names scratch memory.
    func run(_ item: Int, as worker: Int)
}

extension ParallelLoop {
    /// Runs an item of the loop that lies at `address`: how threads call a loop whose type they don't know.
    static func run(_ item: Int, as worker: Int, at address: UnsafeRawPointer) {
        address.assumingMemoryBound(to: Self.self).pointee.run(item, as: worker)
    }
}

/// A loop over rows, of which a thread takes a range.
public protocol ParallelRows {
    func run(_ rows: Range<Int>)
}

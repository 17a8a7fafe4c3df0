import CKernels
import Dispatch
import Synchronization
import Threads

/// The threads of a team besides its caller. A forward pass has hundreds of loops of some ten microseconds each, so
/// a member that has finished one looks out for the next for a moment before it sleeps: waking it costs more than
/// such a loop.
///
/// A loop is open while `gate` is odd. A member enters by counting itself `inside` and looking at the gate once more;
/// the caller shuts the gate and then waits until nobody is inside. One of the two sees the other, because both
/// orders are sequentially consistent, so a loop is never touched after `run` has returned.
final class ThreadCrew: @unchecked Sendable {
    /// Looks at the gate before a member sleeps: some 50 microseconds.
    private static let patience = 1_000

    private let gate = Atomic<Int>(0)
    private let inside = Atomic<Int>(0)
    private let next = Atomic<Int>(0)
    /// Members that sleep, or are about to, and that nobody has called yet.
    private let asleep = Atomic<Int>(0)
    private let isDismissed = Atomic<Bool>(false)
    private let alarm = DispatchSemaphore(value: 0)
    /// The loop of an open gate; written by the caller only, and only while nobody is inside.
    private var items = 0
    private var loop: (type: any ParallelLoop.Type, address: UnsafeRawPointer)?

    /// Workers 1 to `members`. Where the system has no thread to give, the others and the caller do the work.
    init(members: Int) {
        for member in 1...members { _ = DetachedThread.start { [self] in serve(as: member) } }
    }

    /// Runs one loop to its end, the caller as worker 0.
    func run<Loop: ParallelLoop>(_ items: Int, _ loop: Loop) {
        withUnsafePointer(to: loop) { run(items, type: Loop.self, at: $0) }
    }

    private func run(_ items: Int, type: any ParallelLoop.Type, at address: UnsafeRawPointer) {
        self.items = items
        loop = (type, address)
        next.store(0, ordering: .relaxed)
        gate.wrappingAdd(1, ordering: .sequentiallyConsistent)
        call(items - 1)
        work(items, type, at: address, as: 0)
        gate.wrappingAdd(1, ordering: .sequentiallyConsistent)
        var looks = 0
        while inside.load(ordering: .sequentiallyConsistent) > 0 {
            looks += 1
            // A member that the system has taken off its processor needs this one.
            if looks < Self.patience { kernel_pause() } else { kernel_yield() }
        }
        loop = nil
    }

    /// Lets the threads end. No loop may be open.
    func dismiss() {
        isDismissed.store(true, ordering: .sequentiallyConsistent)
        call(.max)
    }

    private func serve(as worker: Int) {
        var last = 0
        while let open = waitForLoop(after: last) {
            inside.wrappingAdd(1, ordering: .sequentiallyConsistent)
            if gate.load(ordering: .sequentiallyConsistent) == open, let loop {
                work(items, loop.type, at: loop.address, as: worker)
            }
            inside.wrappingSubtract(1, ordering: .sequentiallyConsistent)
            last = open
        }
    }

    private func work(
        _ items: Int, _ type: any ParallelLoop.Type, at address: UnsafeRawPointer, as worker: Int
    ) {
        while true {
            let item = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard item < items else { return }
            type.run(item, as: worker, at: address)
        }
    }

    /// The number of an open loop that isn't `last`; nil when the team has gone.
    private func waitForLoop(after last: Int) -> Int? {
        var looks = 0
        while true {
            if isDismissed.load(ordering: .relaxed) { return nil }
            let now = gate.load(ordering: .sequentiallyConsistent)
            if isOpen(now, after: last) { return now }
            looks += 1
            if looks < Self.patience {
                kernel_pause()
            } else {
                sleep(after: last)
                looks = 0
            }
        }
    }

    private func isOpen(_ gate: Int, after last: Int) -> Bool { gate % 2 == 1 && gate != last }

    private func sleep(after last: Int) {
        asleep.wrappingAdd(1, ordering: .sequentiallyConsistent)
        let isNeeded =
            isOpen(gate.load(ordering: .sequentiallyConsistent), after: last)
            || isDismissed.load(ordering: .sequentiallyConsistent)
        // Whoever is counted asleep is called once: where it was called already, its call is on the way.
        if isNeeded, takeSleeper() { return }
        alarm.wait()
    }

    /// Wakes up to `count` sleepers.
    private func call(_ count: Int) {
        var left = count
        while left > 0, takeSleeper() {
            alarm.signal()
            left -= 1
        }
    }

    private func takeSleeper() -> Bool {
        var count = asleep.load(ordering: .sequentiallyConsistent)
        while count > 0 {
            let (exchanged, original) = asleep.compareExchange(
                expected: count, desired: count - 1, ordering: .sequentiallyConsistent)
            if exchanged { return true }
            count = original
        }
        return false
    }
}

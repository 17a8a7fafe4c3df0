import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT: the first asks for a graceful end, the second ends the process at once.
final class TerminationSignals: Sendable {
    private struct State {
        var count = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    /// Written in `init` only; held so that they go on firing.
    private nonisolated(unsafe) var sources: [any DispatchSourceSignal] = []

    init() {
        for number in [SIGTERM, SIGINT] {
            // Without this the default action would end the process before Dispatch hears of it.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in self?.received(number) }
            source.resume()
            sources.append(source)
        }
    }

    /// Returns when the first signal has come.
    func first() async {
        await withCheckedContinuation { continuation in
            let came = state.withLock { state in
                if state.count == 0 { state.waiter = continuation }
                return state.count > 0
            }
            if came { continuation.resume() }
        }
    }

    private func received(_ number: Int32) {
        let (count, waiter) = state.withLock { state in
            state.count += 1
            defer { state.waiter = nil }
            return (state.count, state.waiter)
        }
        // As a shell reports a process that a signal ended.
        if count > 1 { _exit(128 + number) }
        waiter?.resume()
    }
}

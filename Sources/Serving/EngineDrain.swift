import Synchronization

extension Engine {
    /// Stops accepting, finishes what was accepted, and lets the thread end. What isn't finished within
    /// `timeout` is answered with an error. Returns the number of those.
    @discardableResult
    public func drain(within timeout: Duration = .seconds(60)) async -> Int {
        let loading = state.withLock { state in
            guard state.phase != .stopped, state.phase != .failed else { return true }
            let loading = state.phase != .ready && state.phase != .draining
            state.phase = .draining
            metrics.modelReady.set(0)
            return loading
        }
        wake.signal()
        // While it loads nothing has been accepted; the thread ends by itself when loading returns.
        if loading { return 0 }
        let abandoned = Mutex(0)
        let timer = Task {
            guard (try? await Task.sleep(for: timeout)) != nil else { return }
            let ids = state.withLock { $0.waiting.map(\.id) + $0.running.keys }
            abandoned.withLock { $0 = ids.count }
            for id in ids { abandon(id) { _ in .notReady(.draining) } }
        }
        await withCheckedContinuation { continuation in
            let done = state.withLock { state in
                if state.isIdle { return true }
                state.drained.append(continuation)
                return false
            }
            if done { continuation.resume() }
        }
        timer.cancel()
        return abandoned.withLock { $0 }
    }

    /// Tells the callers of `drain` when the last accepted job has been answered.
    func resumeDrained() {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard state.isIdle else { return [] }
            defer { state.drained = [] }
            return state.drained
        }
        for waiter in waiters { waiter.resume() }
    }
}

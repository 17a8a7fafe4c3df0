import Dispatch
import Synchronization

/// A few threads for work that takes milliseconds of processor time: decoding pictures, encoding masks. It
/// would block the cooperative pool, and must not wait behind the model. What waits here is bounded by the
/// engine's admissions, which come first.
final class DecodePool: Sendable {
    private struct State {
        var idle: Int
        var waiting: [@Sendable () -> Void] = []
    }

    private let queue = DispatchQueue(label: "decode", attributes: .concurrent)
    private let state: Mutex<State>

    /// At most `width` pieces of work run at once.
    init(width: Int) {
        state = Mutex(State(idle: max(1, width)))
    }

    func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(APIError) -> Value
    ) async throws(APIError) -> Value {
        let outcome: Result<Value, APIError> = await withCheckedContinuation { continuation in
            add {
                do throws(APIError) {
                    continuation.resume(returning: .success(try work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try outcome.get()
    }

    private func add(_ work: @escaping @Sendable () -> Void) {
        let starts = state.withLock { state in
            state.waiting.append(work)
            guard state.idle > 0 else { return false }
            state.idle -= 1
            return true
        }
        if starts { queue.async { [self] in runWaiting() } }
    }

    private func runWaiting() {
        while let work = next() { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.idle += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
    }
}

import Dispatch
import Glibc
import Synchronization

/// Writes lines to a descriptor from a thread of its own, so that nobody who logs waits for whoever reads
/// the log. What doesn't fit in memory meanwhile is lost, and said to be.
package final class LogWriter: Sendable {
    private struct State {
        var pending: [UInt8] = []
        var lost = 0
        var isWriting = false
    }

    package static let standardError = LogWriter(descriptor: STDERR_FILENO)

    private let descriptor: Int32
    private let capacity: Int
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "log")

    /// - Parameter capacity: bytes that may wait to be written.
    package init(descriptor: Int32, capacity: Int = 1 << 20) {
        self.descriptor = descriptor
        self.capacity = capacity
    }

    /// - Parameter line: with its line end. Lines are written whole and in order.
    package func write(_ line: [UInt8]) {
        let begins = state.withLock { state in
            guard state.pending.count + line.count <= capacity else {
                state.lost += 1
                return false
            }
            state.pending += line
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if begins { queue.async { [self] in drain() } }
    }

    /// Returns when everything has been written, or after `limit`.
    package func flush(within limit: Duration) {
        let deadline = ContinuousClock.now + limit
        while state.withLock({ $0.isWriting }), ContinuousClock.now < deadline { usleep(1000) }
    }

    private func drain() {
        while let bytes = next() {
            var written = 0
            while written < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written)
                }
                if count < 0, errno == EINTR { continue }
                // A full disk or a closed pipe: the server goes on without its log.
                guard count > 0 else { break }
                written += count
            }
        }
    }

    /// What to write next; nil when there is nothing.
    private func next() -> [UInt8]? {
        state.withLock { state in
            guard !state.pending.isEmpty else {
                state.isWriting = false
                return nil
            }
            var bytes: [UInt8] = []
            swap(&bytes, &state.pending)
            if state.lost > 0 {
                bytes += Array(
                    "mllmseg: \(state.lost) log lines lost: they came faster than they were read\n".utf8)
                state.lost = 0
            }
            return bytes
        }
    }
}

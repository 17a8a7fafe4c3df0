/// The clock of one connection: one deadline for what the client has to send, one for what it has to take.
/// Times are nanoseconds of whatever monotonic clock the caller reads.
struct ConnectionDeadlines: Sendable {
    private let timeouts: HTTPTimeouts
    private var input: UInt64?
    private var output: UInt64?

    /// A connection that never sends anything is held to the head's deadline.
    init(timeouts: HTTPTimeouts, now: UInt64) {
        self.timeouts = timeouts
        input = now + timeouts.headNanoseconds
    }

    var next: UInt64? {
        guard let input, let output else { return input ?? output }
        return min(input, output)
    }

    mutating func stop() { input = nil }
    mutating func startIdle(now: UInt64) { input = now + timeouts.idleNanoseconds }
    mutating func startDrain(now: UInt64) { input = now + timeouts.drainIdleNanoseconds }
    mutating func startHead(now: UInt64) { input = now + timeouts.headNanoseconds }
    mutating func startLinger(now: UInt64, isDraining: Bool) {
        input = now + (isDraining ? timeouts.drainLingerNanoseconds : timeouts.lingerNanoseconds)
    }

    mutating func startBody(now: UInt64) {
        input = now + timeouts.bodyGraceNanoseconds
    }

    /// Every byte buys the time that the floor rate grants it, but no one saves up more than the grace: a
    /// client that was fast may not stall for long on its past merits.
    mutating func bodyArrived(bytes: Int, now: UInt64) {
        guard let deadline = input else { return }
        let bought = Self.nanoseconds(bytes, rate: timeouts.bodyFloorBytesPerSecond)
        input = min(deadline + bought, now + timeouts.bodyGraceNanoseconds)
    }

    /// The clock of a write runs from the first unwritten byte on.
    mutating func startWrite(now: UInt64) {
        if output == nil { output = now + timeouts.writeGraceNanoseconds }
    }

    mutating func wrote(_ bytes: Int, now: UInt64) {
        guard let deadline = output else { return }
        let bought = Self.nanoseconds(bytes, rate: timeouts.writeFloorBytesPerSecond)
        output = min(deadline + bought, now + timeouts.writeGraceNanoseconds)
    }

    mutating func endWrite() { output = nil }

    func isWriteLate(now: UInt64) -> Bool {
        output.map { now >= $0 } ?? false
    }

    private static func nanoseconds(_ bytes: Int, rate: UInt64) -> UInt64 {
        guard rate > 0 else { return 0 }
        return UInt64(bytes) * 1_000_000_000 / rate
    }
}

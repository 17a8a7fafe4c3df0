#if !FUZZING
    import HTTP1
#endif

/// A connection fed with anything, at any pace, ends closed and never asks for two things at once. The first
/// byte is the size of its pieces.
enum ConnectionFuzz {
    static func check(_ input: [UInt8]) throws(FuzzFinding) {
        guard let first = input.first else { return }
        var limits = HTTPLimits()
        limits.pipelinedBytes = 256
        var machine = ConnectionStateMachine(limits: limits, now: 0)
        let size = max(1, Int(first))
        var closed = false
        var position = 1
        var now: UInt64 = 0
        while position < input.count && !closed {
            let end = min(input.count, position + size)
            now += UInt64(first) * 10_000_000
            let piece = Array(input[position..<end])
            machine.received(piece.span, now: now)
            position = end
            closed = try answerAll(&machine, now: now)
            machine.timerFired(now: now)
            closed = try answerAll(&machine, now: now) || closed
        }
        machine.peerClosed(now: now)
        closed = try answerAll(&machine, now: now) || closed
        if !closed {
            machine.failed()
            closed = try answerAll(&machine, now: now)
        }
        try require(closed && machine.deadline == nil && !machine.wantsInput, "not closed at the end")
    }

    /// - Returns: true once the machine has closed.
    private static func answerAll(
        _ machine: inout ConnectionStateMachine, now: UInt64
    ) throws(FuzzFinding) -> Bool {
        var closed = false
        while let action = machine.nextAction() {
            try require(!closed, "something follows a close")
            switch action {
            case .admit(let head):
                machine.admitted(maximumBodyBytes: head.path.utf8.count * 10, now: now)
            case .deliver(_, let body):
                machine.respond(HTTPResponse(status: 200, body: .bytes(body)), date: "D", now: now)
            case .refuse(let fault):
                machine.respond(HTTPResponse(status: fault.status), date: "D", now: now)
            case .send(let bytes):
                machine.wrote(bytes.count, now: now)
                machine.flushed(now: now)
            case .cancelHandler, .shutdownWrite: break
            case .close: closed = true
            }
        }
        return closed
    }
}

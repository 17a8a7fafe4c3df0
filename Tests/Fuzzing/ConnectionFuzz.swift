/// A connection fed with anything, at any pace, ends closed and never asks for two things at once.
/// Compiled together with Sources/HTTP1.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
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
        closed = answerAll(&machine, now: now)
        machine.timerFired(now: now)
        closed = answerAll(&machine, now: now) || closed
    }
    machine.peerClosed(now: now)
    closed = answerAll(&machine, now: now) || closed
    if !closed {
        machine.failed()
        closed = answerAll(&machine, now: now)
    }
    precondition(closed && machine.deadline == nil && !machine.wantsInput)
    return 0
}

/// - Returns: true once the machine has closed.
private func answerAll(_ machine: inout ConnectionStateMachine, now: UInt64) -> Bool {
    var closed = false
    while let action = machine.nextAction() {
        precondition(!closed, "nothing may follow a close")
        switch action {
        case .admit(let head): machine.admitted(maximumBodyBytes: head.path.utf8.count * 10, now: now)
        case .deliver(_, let body):
            machine.respond(HTTPResponse(status: 200, body: .bytes(body)), date: "D", now: now)
        case .refuse(let fault): machine.respond(HTTPResponse(status: fault.status), date: "D", now: now)
        case .send(let bytes):
            machine.wrote(bytes.count, now: now)
            machine.flushed(now: now)
        case .cancelHandler, .shutdownWrite: break
        case .close: closed = true
        }
    }
    return closed
}

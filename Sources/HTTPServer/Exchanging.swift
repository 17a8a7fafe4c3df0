import Glibc
import HTTP1

extension ConnectionLoop {
    /// A stream is asked for no more pieces while this much waits to be written.
    private static let streamHighWater = 256 * 1024

    /// Does what the machine asks until it asks for nothing more, then waits for the right events.
    func pump(_ connection: Connection, now: UInt64) {
        while true {
            while let action = connection.machine.nextAction() {
                perform(action, on: connection, now: now)
            }
            guard connections[Int(connection.descriptor)] === connection else { return }
            guard connection.awaitsFlush && !connection.writeIsBlocked else { break }
            connection.writeOutput(now: now)
            if !connection.awaitsFlush { flushed(connection, now: now) }
        }
        if connection.output.count < Self.streamHighWater { resumeStream(connection, goesOn: true) }
        let wanted = connection.wantedInterest
        if wanted != connection.interest {
            connection.interest = wanted
            poller.change(connection.descriptor, wanted, token: connection.token)
        }
    }

    private func perform(_ action: ConnectionStateMachine.Action, on connection: Connection, now: UInt64) {
        switch action {
        case .admit(let head):
            connection.exchange = Exchange(head: head, now: now)
            switch handler.admit(head) {
            case .accept(let maximum): connection.machine.admitted(maximumBodyBytes: maximum, now: now)
            case .refuse(let response): answer(connection, response, now: now)
            }
        case .deliver(let head, let body): deliver(connection, head, body, now: now)
        case .refuse(let fault):
            if connection.exchange == nil { connection.exchange = Exchange(head: nil, now: now) }
            answer(connection, handler.refusal(status: fault.status, detail: fault.detail), now: now)
        case .send(let bytes):
            connection.output.append(bytes)
            connection.awaitsFlush = true
        case .cancelHandler: connection.handlerTask?.cancel()
        case .shutdownWrite: connection.shutdownWrite()
        case .close: close(connection, now: now)
        }
    }

    private func deliver(_ connection: Connection, _ head: HTTPRequestHead, _ body: [UInt8], now: UInt64) {
        connection.exchange?.requestBytes = body.count
        connection.exchange?.bodyAt = now
        let request = HTTPRequest(head: head, body: body, remoteAddress: connection.remoteAddress)
        if let response = handler.respondImmediately(to: request) {
            return answer(connection, response, now: now)
        }
        let token = connection.token
        connection.handlerTask = Task { [self, handler] in
            let response = await handler.respond(to: request)
            post(.response(token: token, response))
        }
    }

    /// Gives the machine the answer to the request at hand.
    func answer(_ connection: Connection, _ response: HTTPResponse, now: UInt64) {
        connection.exchange?.answered(response, now: now)
        connection.machine.respond(response, date: date(), now: now)
        guard connection.machine.isStreaming, case .stream(let pieces) = response.body else { return }
        let token = connection.token
        connection.handlerTask = Task { [self] in
            for await piece in pieces {
                let goesOn = await withCheckedContinuation { post(.piece(token: token, piece, $0)) }
                guard goesOn else { return }
            }
            // A stream that was cancelled is cut, so that nobody takes its beginning for the whole.
            post(Task.isCancelled ? .abortStream(token: token) : .endStream(token: token))
        }
    }

    func send(
        _ piece: [UInt8], of token: UInt64, _ continuation: CheckedContinuation<Bool, Never>, now: UInt64
    ) {
        guard let connection = connection(token), connection.machine.isStreaming else {
            return continuation.resume(returning: false)
        }
        connection.waitingStream = continuation
        connection.machine.stream(piece, now: now)
        pump(connection, now: now)
    }

    private func resumeStream(_ connection: Connection, goesOn: Bool) {
        connection.waitingStream?.resume(returning: goesOn)
        connection.waitingStream = nil
    }

    private func flushed(_ connection: Connection, now: UInt64) {
        if connection.machine.isFlushing { report(connection, isComplete: true, now: now) }
        connection.machine.flushed(now: now)
    }

    private func report(_ connection: Connection, isComplete: Bool, now: UInt64) {
        guard let exchange = connection.exchange else { return }
        connection.exchange = nil
        connection.hasServed = true
        configuration.onAccess?(
            exchange.record(
                remoteAddress: connection.remoteAddress, isComplete: isComplete, now: MonotonicClock.now()))
    }

    private func close(_ connection: Connection, now: UInt64) {
        connections[Int(connection.descriptor)] = nil
        connectionCount -= 1
        resumeStream(connection, goesOn: false)
        connection.handlerTask?.cancel()
        connection.handlerTask = nil
        report(connection, isComplete: false, now: now)
        poller.remove(connection.descriptor)
        Glibc.close(connection.descriptor)
        resumeListeners()
        stopWhenEmpty()
    }
}

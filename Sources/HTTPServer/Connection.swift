import CSockets
import Glibc
import HTTP1

/// One accepted socket and what belongs to it. Owner: the connection loop; used on its queue only.
/// While it waits for a request it holds no buffers.
final class Connection {
    enum Transport {
        case plain
        case expectingTLS(TLSContext)
        case tls(TLSSession)
    }

    let descriptor: Int32
    /// Names this connection, and never a later one on the same descriptor.
    let token: UInt64
    let remoteAddress: String
    var machine: ConnectionStateMachine
    private(set) var transport: Transport
    var output = OutputBuffer()
    /// Something was sent since the machine last heard that all was flushed.
    var awaitsFlush = false
    var writeIsBlocked = false
    var interest: Poller.Interest = []
    /// The client's end has been seen; it must not be watched for again.
    var sawPeerClose = false
    var handlerTask: Task<Void, Never>?
    /// A stream whose pieces are ahead of the socket; resumed with false when the client is gone.
    var waitingStream: CheckedContinuation<Bool, Never>?
    var exchange: Exchange?
    var hasServed = false

    init(
        descriptor: Int32, token: UInt64, remoteAddress: String, tls: TLSContext?,
        machine: ConnectionStateMachine
    ) {
        transport = tls.map { .expectingTLS($0) } ?? .plain
        self.descriptor = descriptor
        self.token = token
        self.remoteAddress = remoteAddress
        self.machine = machine
    }

    func read(into buffer: UnsafeMutableBufferPointer<UInt8>) -> TransferResult {
        switch transport {
        case .plain: return PlainTransport.read(descriptor, buffer)
        case .tls(let session):
            let result = session.read(into: buffer)
            if case .wouldBlockOnWrite = result { writeIsBlocked = true }
            return result
        case .expectingTLS(let context): return beginTLS(context, buffer)
        }
    }

    /// The first byte tells a TLS handshake (record type 22) from someone who speaks plain HTTP here.
    private func beginTLS(
        _ context: TLSContext, _ buffer: UnsafeMutableBufferPointer<UInt8>
    ) -> TransferResult {
        var first: UInt8 = 0
        let count = recv(descriptor, &first, 1, Int32(MSG_PEEK))
        if count == 0 { return .end }
        guard count > 0 else { return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed }
        guard first == 22 else {
            transport = .plain
            machine.refusePlainHTTP(now: MonotonicClock.now())
            return .wouldBlock
        }
        guard let session = context.makeSession(descriptor: descriptor) else { return .failed }
        transport = .tls(session)
        return read(into: buffer)
    }

    /// Writes as much as the socket takes and tells the machine.
    func writeOutput(now: UInt64) {
        let descriptor = descriptor
        let transport = transport
        let (taken, stopped) = output.drain { bytes in
            if case .tls(let session) = transport {
                session.write(bytes)
            } else {
                PlainTransport.write(descriptor, bytes)
            }
        }
        if taken > 0 {
            machine.wrote(taken, now: now)
            exchange?.responseBytes += taken
        }
        switch stopped {
        case .wouldBlock, .wouldBlockOnWrite: writeIsBlocked = true
        case .failed, .end: machine.failed()
        case .bytes, nil:
            writeIsBlocked = false
            awaitsFlush = false
        }
    }

    func shutdownWrite() {
        if case .tls(let session) = transport { session.sendCloseNotify() }
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// What to be told about next.
    var wantedInterest: Poller.Interest {
        var wanted: Poller.Interest = []
        if machine.wantsInput { wanted.insert(.read) }
        if !sawPeerClose { wanted.insert(.peerClose) }
        if writeIsBlocked { wanted.insert(.write) }
        return wanted
    }
}

/// One request and its answer, as the access log will have it. Owner: the connection.
struct Exchange {
    var method: String?
    var path: String?
    var requestBytes = 0
    var responseBytes = 0
    var status: Int?
    var requestID: String?
    var note: (any Sendable)?
    let headAt: UInt64
    var bodyAt: UInt64
    var answerAt: UInt64

    init(head: HTTPRequestHead?, now: UInt64) {
        method = head?.method
        path = head?.path
        headAt = now
        bodyAt = now
        answerAt = now
    }

    mutating func answered(_ response: HTTPResponse, now: UInt64) {
        status = response.status
        requestID = response.headers["X-Request-ID"]
        note = response.note
        answerAt = now
    }

    /// A client that left before its answer counts as 499, the code that nginx logs for it.
    func record(remoteAddress: String, isComplete: Bool, now: UInt64) -> HTTPAccessRecord {
        HTTPAccessRecord(
            method: method, path: path, status: status ?? 499, requestBytes: requestBytes,
            responseBytes: responseBytes, bodyNanoseconds: bodyAt - headAt,
            handlerNanoseconds: answerAt > bodyAt ? answerAt - bodyAt : 0,
            totalNanoseconds: now - headAt, remoteAddress: remoteAddress, requestID: requestID,
            note: note, isComplete: isComplete)
    }
}

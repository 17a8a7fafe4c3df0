/// The protocol side of one server connection: bytes, the handler's answers and the clock go in, actions
/// come out. It touches no descriptor and no clock, so all of it is tested without a socket.
///
/// Owner: the connection that performs the actions. After every call, take `nextAction` until it is nil.
public struct ConnectionStateMachine: Sendable {
    public enum Action: Sendable {
        /// Ask the handler about this head, then call `admitted` or `respond`.
        case admit(HTTPRequestHead)
        /// Hand the whole request to the handler, then call `respond`.
        case deliver(HTTPRequestHead, body: [UInt8])
        /// Make the answer to a request that can't be served, then call `respond`.
        case refuse(HTTPRequestFault)
        /// Write these bytes; report with `wrote` and, when nothing is left to write, `flushed`.
        case send([UInt8])
        /// The client has closed its side: what it asked for is likely not wanted any more.
        case cancelHandler
        /// Nothing more will be written; the client may still be sending.
        case shutdownWrite
        /// Close the descriptor now.
        case close
    }

    enum Stage: Equatable {
        /// Between requests or inside a head.
        case head
        case admission
        case body
        /// The handler, or the maker of a refusal, has the word.
        case handling
        case streaming(chunked: Bool)
        /// The answer is complete but not yet written.
        case flushing
        case lingering
        case closed
    }

    let limits: HTTPLimits
    let timeouts: HTTPTimeouts
    private(set) var stage = Stage.head
    private var parser: HTTPRequestParser
    private var head: HTTPRequestHead?
    private var framing = HTTPRequestFraming()
    private var body = RequestBodyReader()
    /// Bytes that arrived before their turn.
    private var pending: [UInt8] = []
    private var actions: [Action] = []
    private var keepsConnection = true
    private var peerHasClosed = false
    private var isDraining = false
    private var lingeredBytes = 0
    private var deadlines: ConnectionDeadlines

    public init(limits: HTTPLimits = HTTPLimits(), timeouts: HTTPTimeouts = HTTPTimeouts(), now: UInt64) {
        self.limits = limits
        self.timeouts = timeouts
        parser = HTTPRequestParser(limits: limits)
        deadlines = ConnectionDeadlines(timeouts: timeouts, now: now)
    }

    /// When `timerFired` wants to be called, in the clock of `now`; nil while only the handler may dawdle.
    public var deadline: UInt64? { deadlines.next }

    /// False while bytes should stay in the socket: the client is ahead of its answers.
    public var wantsInput: Bool {
        switch stage {
        case .head, .body, .lingering: true
        case .admission, .handling, .streaming, .flushing:
            !peerHasClosed && pending.count < limits.pipelinedBytes
        case .closed: false
        }
    }

    /// A kept connection that waits for its next request holds no buffers.
    public var isIdle: Bool { stage == .head && parser.isAtStart }

    /// The answer's pieces are still to come, by `stream` and `endStream`.
    public var isStreaming: Bool {
        if case .streaming = stage { true } else { false }
    }

    /// The answer at hand has been handed over whole; what remains is writing it.
    public var isFlushing: Bool { stage == .flushing }

    public mutating func nextAction() -> Action? {
        actions.isEmpty ? nil : actions.removeFirst()
    }
}

// MARK: - What comes from the socket
extension ConnectionStateMachine {
    public mutating func received(_ bytes: Span<UInt8>, now: UInt64) {
        switch stage {
        case .closed: return
        case .lingering:
            lingeredBytes += bytes.count
            if lingeredBytes > Self.maximumLingeredBytes { close() }
        case .head, .body:
            var position = 0
            advance(bytes, from: &position, now: now)
            hold(bytes, from: position)
        case .admission, .handling, .streaming, .flushing:
            hold(bytes, from: 0)
        }
    }

    /// The client has sent its last byte. It may only have shut down its sending side, so an answer that
    /// is being made is still sent.
    public mutating func peerClosed(now: UInt64) {
        guard !peerHasClosed else { return }
        peerHasClosed = true
        switch stage {
        case .head where parser.isAtStart, .lingering: close()
        case .head, .body: refuse(.incompleteRequest, now: now)
        case .handling, .streaming: actions.append(.cancelHandler)
        case .admission, .flushing, .closed: break
        }
    }

    /// The client speaks plain HTTP where TLS is expected.
    public mutating func refusePlainHTTP(now: UInt64) {
        guard stage == .head else { return }
        refuse(.plainHTTPWhereTLSIsExpected, now: now)
    }

    /// The connection is broken; nothing can be sent any more.
    public mutating func failed() {
        switch stage {
        case .handling, .streaming: actions.append(.cancelHandler)
        default: break
        }
        close()
    }

    /// The socket took `bytes` of what was sent.
    public mutating func wrote(_ bytes: Int, now: UInt64) {
        deadlines.wrote(bytes, now: now)
    }

    /// Everything sent so far has been taken by the socket.
    public mutating func flushed(now: UInt64) {
        deadlines.endWrite()
        guard stage == .flushing else { return }
        guard keepsConnection else { return finishConnection(now: now) }
        stage = .head
        guard !pending.isEmpty else {
            if peerHasClosed || isDraining { return finishConnection(now: now) }
            deadlines.startIdle(now: now)
            return
        }
        deadlines.startHead(now: now)
        resume(now: now)
        if peerHasClosed && stage == .head { finishConnection(now: now) }
    }

    public mutating func timerFired(now: UInt64) {
        guard let deadline, now >= deadline else { return }
        if deadlines.isWriteLate(now: now) { return failed() }
        switch stage {
        case .head where parser.isAtStart, .lingering: close()
        case .head: refuse(.headTooSlow, now: now)
        case .body: refuse(.bodyTooSlow, now: now)
        case .admission, .handling, .streaming, .flushing, .closed: break
        }
    }

    /// Serves what has begun, then closes; an idle connection closes after a moment for what is on its way.
    public mutating func drain(now: UInt64) {
        isDraining = true
        if isIdle { deadlines.startDrain(now: now) }
    }

    /// A client that keeps sending into a closing connection is cut off here.
    static let maximumLingeredBytes = 64 * 1024 * 1024
}

// MARK: - What comes from the handler
extension ConnectionStateMachine {
    /// The body may come, up to `maximumBodyBytes` and never beyond the connection's own limit.
    public mutating func admitted(maximumBodyBytes: Int, now: UInt64) {
        guard stage == .admission else { return }
        let maximum = min(maximumBodyBytes, limits.bodyBytes)
        if case .length(let length) = framing.body, length > maximum {
            return refuse(.bodyTooLarge(limit: maximum), now: now)
        }
        stage = .body
        body = RequestBodyReader(framing: framing.body, maximumBytes: maximum, limits: limits)
        deadlines.startBody(now: now)
        if framing.expectsContinue && pending.isEmpty {
            actions.append(.send(HTTPResponseEncoder.continueHead))
            deadlines.startWrite(now: now)
        }
        resume(now: now)
    }

    /// The answer to the request at hand. For a stream follow with `stream` and `endStream`.
    /// - Parameter date: an IMF-fixdate.
    public mutating func respond(_ response: HTTPResponse, date: String, now: UInt64) {
        guard stage == .admission || stage == .handling else { return }
        let hasUnreadBody = stage == .admission && framing.body != .none && framing.body != .length(0)
        let wantsClose = response.headers["Connection"].map { ByteSyntax.same($0.utf8, "close") } ?? false
        keepsConnection =
            keepsConnection && framing.keepsAlive && !hasUnreadBody && !wantsClose && !isDraining
        if peerHasClosed && pending.isEmpty { keepsConnection = false }

        let message = ResponseMessage(response, to: head, isHTTP10: framing.isHTTP10)
        if message.framing == .untilClose { keepsConnection = false }
        let persistence: HTTPResponseEncoder.Persistence =
            keepsConnection ? (framing.isHTTP10 ? .keepAliveSaidAloud : .keepAlive) : .close
        var bytes = HTTPResponseEncoder.head(
            status: message.status, headers: response.headers, framing: message.framing,
            persistence: persistence, date: date)
        // A small body travels in the head's buffer and packet; a large one is not copied.
        if message.body.count <= 16 * 1024 {
            bytes.append(contentsOf: message.body)
            actions.append(.send(bytes))
        } else {
            actions.append(.send(bytes))
            actions.append(.send(message.body))
        }
        deadlines.startWrite(now: now)
        // Whoever left before the stream began doesn't wait for it either.
        if message.isStreamed && peerHasClosed { actions.append(.cancelHandler) }
        stage = message.isStreamed ? .streaming(chunked: message.framing == .chunked) : .flushing
        head = nil
    }

    /// An answer without a request, for a client that can't be served at all.
    public mutating func turnAway(_ response: HTTPResponse, date: String) {
        keepsConnection = false
        stage = .handling
        respond(response, date: date, now: 0)
    }

    public mutating func stream(_ piece: [UInt8], now: UInt64) {
        guard case .streaming(let chunked) = stage, !piece.isEmpty else { return }
        actions.append(.send(chunked ? HTTPResponseEncoder.chunk(piece) : piece))
        deadlines.startWrite(now: now)
    }

    public mutating func endStream(now: UInt64) {
        guard case .streaming(let chunked) = stage else { return }
        stage = .flushing
        actions.append(.send(chunked ? HTTPResponseEncoder.lastChunk : []))
        deadlines.startWrite(now: now)
    }
}

// MARK: - Inside
extension ConnectionStateMachine {
    private mutating func hold(_ bytes: Span<UInt8>, from position: Int) {
        guard position < bytes.count, stage != .closed, stage != .lingering else { return }
        // Behind a fault nothing can be understood any more.
        guard keepsConnection || stage == .admission else { return }
        bytes.extracting(position..<bytes.count).withUnsafeBufferPointer { pending.append(contentsOf: $0) }
    }

    /// Works on what was held back.
    private mutating func resume(now: UInt64) {
        let held = pending
        pending = []
        var position = 0
        advance(held.span, from: &position, now: now)
        hold(held.span, from: position)
    }

    private mutating func advance(_ bytes: Span<UInt8>, from position: inout Int, now: UInt64) {
        switch stage {
        case .head: advanceHead(bytes, from: &position, now: now)
        case .body: advanceBody(bytes, from: &position, now: now)
        default: break
        }
    }

    private mutating func advanceHead(_ bytes: Span<UInt8>, from position: inout Int, now: UInt64) {
        guard position < bytes.count else { return }
        if parser.isAtStart { deadlines.startHead(now: now) }
        switch parser.parse(bytes, from: &position) {
        case .needMoreBytes: break
        case .invalid(let fault): refuse(fault, now: now)
        case .head(let head, let framing):
            self.head = head
            self.framing = framing
            stage = .admission
            deadlines.stop()
            actions.append(.admit(head))
        }
    }

    private mutating func advanceBody(_ bytes: Span<UInt8>, from position: inout Int, now: UInt64) {
        let before = body.bytes.count
        do {
            guard try body.read(bytes, from: &position) else {
                deadlines.bodyArrived(bytes: body.bytes.count - before, now: now)
                return
            }
        } catch {
            return refuse(error, now: now)
        }
        deadlines.stop()
        stage = .handling
        guard let head else { return }
        actions.append(.deliver(head, body: body.take()))
        if peerHasClosed { actions.append(.cancelHandler) }
    }

    /// After a fault nothing that follows on the connection can be trusted.
    private mutating func refuse(_ fault: HTTPRequestFault, now: UInt64) {
        keepsConnection = false
        pending = []
        body = RequestBodyReader()
        deadlines.stop()
        stage = .handling
        actions.append(.refuse(fault))
    }

    private mutating func finishConnection(now: UInt64) {
        keepsConnection = false
        pending = []
        guard !peerHasClosed else { return close() }
        stage = .lingering
        deadlines.startLinger(now: now, isDraining: isDraining)
        actions.append(.shutdownWrite)
    }

    private mutating func close() {
        guard stage != .closed else { return }
        stage = .closed
        pending = []
        body = RequestBodyReader()
        deadlines.stop()
        deadlines.endWrite()
        actions.append(.close)
    }
}

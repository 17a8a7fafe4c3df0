import Dispatch
import Glibc
import HTTP1
import Logging
import Synchronization

/// All sockets of one server. Everything mutable here is owned by `queue` and touched nowhere else, but
/// for the mailbox, through which other threads speak to it.
final class ConnectionLoop: @unchecked Sendable {
    /// What other threads ask of the loop.
    enum Message {
        case response(token: UInt64, HTTPResponse)
        case piece(token: UInt64, [UInt8], CheckedContinuation<Bool, Never>)
        case endStream(token: UInt64)
        case abortStream(token: UInt64)
        case drain(deadline: UInt64, CheckedContinuation<Void, Never>)
        case stop
        case certificate(TLSContext)
        case rotateTicketKeys
    }

    let configuration: HTTPServerConfiguration
    let handler: any HTTPHandler
    let logger: Logger
    let queue = DispatchQueue(label: "http-server", qos: .userInitiated)
    private let mailbox = Mutex<[Message]>([])

    var poller: Poller
    var listeners: [UInt64: ListeningSocket] = [:]
    var listenersArePaused = false
    /// Indexed by descriptor: descriptors are small numbers that the kernel reuses.
    var connections: [Connection?] = []
    var connectionCount = 0
    var connectionLimit = 0
    var reserve = ReserveDescriptor()
    /// Nil: plain HTTP. Connections keep the context that they began with.
    var tls: TLSContext?
    private var ticketsRotatedAt = MonotonicClock.now()
    var generation: UInt64 = 0
    private var events: [Poller.Event] = []
    private var source: (any DispatchSourceRead)?
    private var timer: (any DispatchSourceTimer)?
    private var dates = DateCache()
    /// One buffer for all reads: a connection copies out only what it has to keep.
    private let readBuffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64 * 1024)
    private var drainDeadline: UInt64?
    private var drainWaiters: [CheckedContinuation<Void, Never>] = []
    private var isStopped = false

    init(
        configuration: HTTPServerConfiguration, handler: any HTTPHandler, logger: Logger,
        sockets: [ListeningSocket], tls: TLSContext?
    ) throws(HTTPServerError) {
        self.tls = tls
        self.configuration = configuration
        self.handler = handler
        self.logger = logger
        poller = try Poller()
        connectionLimit = DescriptorLimit.connections(wanted: configuration.maximumConnections)
        for socket in sockets {
            let token = UInt64(socket.descriptor)
            guard poller.add(socket.descriptor, .read, token: token) else {
                throw .system(operation: "epoll_ctl", code: errno)
            }
            listeners[token] = socket
        }
    }

    deinit {
        readBuffer.deallocate()
    }

    func start() {
        let source = DispatchSource.makeReadSource(fileDescriptor: poller.descriptor, queue: queue)
        source.setEventHandler { [self] in handleEvents() }
        let descriptor = poller
        source.setCancelHandler { descriptor.close() }
        self.source = source
        let timer = DispatchSource.makeTimerSource(queue: queue)
        let interval = DispatchTimeInterval.nanoseconds(tickNanoseconds)
        timer.schedule(deadline: .now() + interval, repeating: interval, leeway: .milliseconds(5))
        timer.setEventHandler { [self] in tick() }
        self.timer = timer
        source.resume()
        timer.resume()
    }

    /// Fine enough for the shortest timeout, and a quarter of a second at most.
    private var tickNanoseconds: Int {
        let timeouts = configuration.timeouts
        let shortest = min(
            timeouts.headNanoseconds, timeouts.bodyGraceNanoseconds, timeouts.idleNanoseconds,
            timeouts.writeGraceNanoseconds, timeouts.lingerNanoseconds)
        return Int(max(5_000_000, min(250_000_000, shortest / 8)))
    }

    func date() -> String {
        dates.current { HTTPDate.format(secondsSince1970: $0) }
    }
}

// MARK: - Events
extension ConnectionLoop {
    /// Rounds without going back to Dispatch, which costs a switch of threads each time.
    private static let roundsPerWakeUp = 32

    private func handleEvents() {
        for _ in 0..<Self.roundsPerWakeUp {
            guard !isStopped else { return }
            poller.ready(&events)
            guard !events.isEmpty else { return }
            let now = MonotonicClock.now()
            for event in events { handle(event, now: now) }
            handleMessages()
        }
    }

    private func handle(_ event: Poller.Event, now: UInt64) {
        if listeners[event.token] != nil { return accept(from: event.token, now: now) }
        guard let connection = connection(event.token) else { return }
        if event.ready.contains(.write) { connection.writeIsBlocked = false }
        if event.ready.contains(.read) && connection.machine.wantsInput {
            read(connection, now: now)
        } else if !event.ready.isDisjoint(with: [.peerClose, .hangUp]) {
            connection.sawPeerClose = true
            if event.ready.isDisjoint(with: .hangUp) {
                connection.machine.peerClosed(now: now)
            } else {
                connection.machine.failed()
            }
        }
        pump(connection, now: now)
    }

    /// A key writes tickets for this long, and reads them for as long again: a stolen one opens no more
    /// recorded TLS 1.2 traffic than that of both.
    private static let ticketKeyNanoseconds: UInt64 = 3 * 3600 * 1_000_000_000

    /// At most this many reads before the other connections have their turn.
    private static let readsPerTurn = 4

    private func read(_ connection: Connection, now: UInt64) {
        for _ in 0..<Self.readsPerTurn where connection.machine.wantsInput {
            switch connection.read(into: readBuffer) {
            case .bytes(let count):
                let bytes = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(readBuffer)[..<count])
                connection.machine.received(bytes.span, now: now)
                // TLS gives one record at a time, and what remains of one would wake nobody.
                guard count == readBuffer.count || tls != nil else { return }
                pump(connection, now: now)
            case .wouldBlock, .wouldBlockOnWrite: return
            case .end:
                connection.sawPeerClose = true
                return connection.machine.peerClosed(now: now)
            case .failed: return connection.machine.failed()
            }
        }
    }

    func connection(_ token: UInt64) -> Connection? {
        let index = Int(token & 0xFFFF_FFFF)
        guard index < connections.count, let connection = connections[index], connection.token == token else {
            return nil
        }
        return connection
    }

    /// Looks at every connection: with 5,000 of them some tens of microseconds, four times a second, which
    /// is less than a timer for each would cost.
    private func tick() {
        guard !isStopped else { return }
        let now = MonotonicClock.now()
        for case let connection? in connections {
            if let deadline = connection.machine.deadline, now >= deadline {
                connection.machine.timerFired(now: now)
                pump(connection, now: now)
            }
        }
        resumeListeners()
        if now - ticketsRotatedAt > Self.ticketKeyNanoseconds { rotateTicketKeys(now: now) }
        if let drainDeadline, now >= drainDeadline { abandonConnections(now: now) }
    }
}

// MARK: - Messages
extension ConnectionLoop {
    private func rotateTicketKeys(now: UInt64) {
        ticketsRotatedAt = now
        tls?.rotateTicketKeys()
    }

    func post(_ message: Message) {
        let wasEmpty = mailbox.withLock { messages in
            messages.append(message)
            return messages.count == 1
        }
        if wasEmpty { queue.async { [self] in handleMessages() } }
    }

    private func handleMessages() {
        let messages = mailbox.withLock { messages in
            defer { messages = [] }
            return messages
        }
        guard !messages.isEmpty else { return }
        let now = MonotonicClock.now()
        for message in messages { handle(message, now: now) }
    }

    private func handle(_ message: Message, now: UInt64) {
        switch message {
        case .response(let token, let response):
            guard let connection = connection(token) else { return }
            connection.handlerTask = nil
            answer(connection, response, now: now)
            pump(connection, now: now)
        case .piece(let token, let piece, let continuation):
            send(piece, of: token, continuation, now: now)
        case .endStream(let token):
            guard let connection = connection(token) else { return }
            connection.handlerTask = nil
            connection.machine.endStream(now: now)
            pump(connection, now: now)
        case .abortStream(let token):
            guard let connection = connection(token) else { return }
            connection.machine.failed()
            pump(connection, now: now)
        case .drain(let deadline, let continuation):
            drain(deadline: deadline, continuation, now: now)
        case .stop:
            abandonConnections(now: now)
        case .certificate(let context): tls = context
        case .rotateTicketKeys: rotateTicketKeys(now: now)
        }
    }

    private func drain(deadline: UInt64, _ continuation: CheckedContinuation<Void, Never>, now: UInt64) {
        guard !isStopped else { return continuation.resume() }
        drainWaiters.append(continuation)
        drainDeadline = min(deadline, drainDeadline ?? deadline)
        // Those whom the kernel has let in already are served too; closing the listener would reset them.
        for token in listeners.keys {
            for _ in 0...(configuration.backlog / 64) { accept(from: token, now: now) }
        }
        closeListeners()
        for case let connection? in connections {
            connection.machine.drain(now: now)
            pump(connection, now: now)
        }
        stopWhenEmpty()
    }

    func closeListeners() {
        for listener in listeners.values {
            poller.remove(listener.descriptor)
            listener.close()
        }
        listeners = [:]
    }

    private func abandonConnections(now: UInt64) {
        closeListeners()
        drainDeadline = now
        for case let connection? in connections {
            connection.machine.failed()
            pump(connection, now: now)
        }
        stopWhenEmpty()
    }

    /// The end of the loop: nothing listens and nobody is connected.
    func stopWhenEmpty() {
        guard drainDeadline != nil, connectionCount == 0, !isStopped else { return }
        isStopped = true
        source?.cancel()
        timer?.cancel()
        source = nil
        timer = nil
        reserve.close()
        for waiter in drainWaiters { waiter.resume() }
        drainWaiters = []
    }
}

import CSockets
import Glibc
import HTTP1

/// A descriptor held back for the moment when there is no other: it is given up for as long as it takes to
/// accept a client and turn it away, which would otherwise keep the listener ready, and this process
/// spinning. Owner: the connection loop.
struct ReserveDescriptor {
    private var descriptor = ReserveDescriptor.open()

    private static func open() -> Int32 {
        Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    }

    mutating func lend(_ body: () -> Void) {
        if descriptor >= 0 { Glibc.close(descriptor) }
        body()
        descriptor = Self.open()
    }

    mutating func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}

enum DescriptorLimit {
    /// Raises the process's limit of open descriptors as far as it is allowed to, and says how many
    /// connections fit beside the files that the rest of the process needs.
    static func connections(wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
        let spare: rlim_t = 64
        if limit.rlim_cur < rlim_t(wanted) + spare && limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = min(limit.rlim_max, rlim_t(wanted) + spare)
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        let room = limit.rlim_cur > spare * 2 ? limit.rlim_cur - spare : limit.rlim_cur / 2
        return min(wanted, Int(clamping: room))
    }
}

extension ConnectionLoop {
    private static let acceptsPerTurn = 64

    func accept(from token: UInt64, now: UInt64) {
        guard let listener = listeners[token] else { return }
        for _ in 0..<Self.acceptsPerTurn {
            let (descriptor, address) = SocketAddress.filled {
                csockets_accept(listener.descriptor, $0, $1)
            }
            guard descriptor >= 0 else {
                switch errno {
                case EMFILE, ENFILE, ENOBUFS, ENOMEM: return shed(listener, now: now)
                // A client that left while it waited is no reason to stop.
                case ECONNABORTED, EINTR, EPROTO: continue
                default: return
                }
            }
            admit(descriptor, address, now: now)
        }
    }

    private func admit(_ descriptor: Int32, _ address: SocketAddress, now: UInt64) {
        if connectionCount >= connectionLimit && !evictIdleConnection(now: now) {
            return turnAway(descriptor)
        }
        if !address.isUnix {
            var on: Int32 = 1
            setsockopt(
                descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        generation += 1
        let connection = Connection(
            descriptor: descriptor, token: generation << 32 | UInt64(descriptor), remoteAddress: address.text,
            tls: tls,
            machine: ConnectionStateMachine(
                limits: configuration.limits, timeouts: configuration.timeouts, now: now))
        connection.interest = connection.wantedInterest
        guard poller.add(descriptor, connection.interest, token: connection.token) else {
            close(descriptor)
            return
        }
        while connections.count <= Int(descriptor) { connections.append(nil) }
        connections[Int(descriptor)] = connection
        connectionCount += 1
    }

    /// Makes room by closing the kept connection that has waited longest; clients expect this of any server.
    private func evictIdleConnection(now: UInt64) -> Bool {
        var oldest: Connection?
        for case let connection? in connections where connection.hasServed && connection.machine.isIdle {
            guard let deadline = connection.machine.deadline else { continue }
            if deadline < oldest?.machine.deadline ?? .max { oldest = connection }
        }
        guard let oldest else { return false }
        oldest.machine.failed()
        pump(oldest, now: now)
        return true
    }

    /// No descriptor is left: some of those who wait are told so, and the listener rests until the next
    /// tick or until a connection has closed.
    private func shed(_ listener: ListeningSocket, now: UInt64) {
        if evictIdleConnection(now: now) { return }
        reserve.lend {
            for _ in 0..<Self.acceptsPerTurn {
                let (descriptor, _) = SocketAddress.filled { csockets_accept(listener.descriptor, $0, $1) }
                guard descriptor >= 0 else { return }
                turnAway(descriptor)
            }
        }
        pauseListeners()
    }

    private func turnAway(_ descriptor: Int32) {
        let refusal = handler.refusal(status: 503, detail: "too many connections")
        var machine = ConnectionStateMachine(now: 0)
        machine.turnAway(refusal, date: date())
        while case .send(let bytes)? = machine.nextAction() {
            _ = bytes.withUnsafeBufferPointer { PlainTransport.write(descriptor, $0) }
        }
        // What the client has already sent must be read, or closing would reset the connection and with it
        // the answer. Here nobody can be waited for.
        shutdown(descriptor, Int32(SHUT_WR))
        var scratch = [UInt8](repeating: 0, count: 4096)
        _ = scratch.withUnsafeMutableBufferPointer { PlainTransport.read(descriptor, $0) }
        close(descriptor)
    }

    private func pauseListeners() {
        guard !listenersArePaused else { return }
        listenersArePaused = true
        logger.warning("out of descriptors: not accepting for a moment")
        for (token, listener) in listeners { poller.change(listener.descriptor, [], token: token) }
    }

    func resumeListeners() {
        guard listenersArePaused else { return }
        listenersArePaused = false
        for (token, listener) in listeners { poller.change(listener.descriptor, .read, token: token) }
    }
}

import Dispatch
import Glibc
import HTTP1
import Logging
import Synchronization

/// An HTTP/1.1 server on non-blocking sockets. One queue owns every socket; handlers run in tasks.
///
///     let server = HTTPServer(configuration: configuration, handler: handler, logger: logger)
///     try server.start()
///     ...
///     await server.shutDown(timeout: .seconds(30))
public final class HTTPServer: Sendable {
    private struct State {
        var loop: ConnectionLoop?
        var addresses: [SocketAddress] = []
        var wasStarted = false
    }

    private let configuration: HTTPServerConfiguration
    private let handler: any HTTPHandler
    private let logger: Logger
    private let state = Mutex(State())

    public init(configuration: HTTPServerConfiguration, handler: any HTTPHandler, logger: Logger) {
        self.configuration = configuration
        self.handler = handler
        self.logger = logger
    }

    /// Binds, listens and returns; requests are served from then on. A server starts once.
    public func start() throws(HTTPServerError) {
        let isFirst = state.withLock { state in
            defer { state.wasStarted = true }
            return !state.wasStarted
        }
        guard isFirst else { throw .alreadyStarted }
        // A write to a closed socket is an error to handle here, not the end of the process. OpenSSL writes
        // without MSG_NOSIGNAL, so it takes the whole process.
        signal(SIGPIPE, SIG_IGN)
        let tls = try makeTLSContext()
        var sockets: [ListeningSocket] = []
        do throws(HTTPServerError) {
            for address in configuration.addresses {
                sockets.append(try ListeningSocket.open(address, backlog: configuration.backlog))
            }
            let loop = try ConnectionLoop(
                configuration: configuration, handler: handler, logger: logger, sockets: sockets,
                tls: tls)
            state.withLock {
                $0.loop = loop
                $0.addresses = sockets.map(\.address)
            }
            loop.start()
        } catch {
            for socket in sockets { socket.close() }
            throw error
        }
    }

    /// Reads the certificate and the key again, for new connections; those that are open keep what they
    /// have. When the files can't be used the old certificate stays.
    /// - Returns: false without TLS, when there is nothing to read.
    @discardableResult
    public func reloadCertificate() throws(HTTPServerError) -> Bool {
        guard let context = try makeTLSContext() else { return false }
        state.withLock { $0.loop }?.post(.certificate(context))
        return true
    }

    /// A new key for session tickets, as the server makes one every few hours by itself.
    package func rotateTicketKeys() {
        state.withLock { $0.loop }?.post(.rotateTicketKeys)
    }

    private func makeTLSContext() throws(HTTPServerError) -> TLSContext? {
        guard let tls = configuration.tls else { return nil }
        return try TLSContext(tls)
    }

    /// The port of the first TCP address, once started; the one that the kernel chose for port 0.
    public var boundPort: Int? {
        state.withLock { $0.addresses.lazy.compactMap(\.port).first }
    }

    /// The addresses listened on, as text, once started.
    public var boundAddresses: [String] {
        let addresses = state.withLock { $0.addresses }
        return zip(configuration.addresses, addresses).map { wanted, bound in
            bound.isUnix ? "\(wanted)" : bound.text
        }
    }

    /// Stops accepting, lets what has begun end, and tells every client that the connection closes.
    /// Returns when the last connection has closed, or after `timeout`, when those left are cut off and
    /// their handlers cancelled.
    public func shutDown(timeout: Duration) async {
        guard let loop = state.withLock({ $0.loop }) else { return }
        let (seconds, attoseconds) = timeout.components
        let nanoseconds =
            UInt64(clamping: seconds) &* 1_000_000_000 &+ UInt64(clamping: attoseconds / 1_000_000_000)
        let deadline = MonotonicClock.now() + nanoseconds
        await withCheckedContinuation { loop.post(.drain(deadline: deadline, $0)) }
    }

    /// Cuts every connection off now.
    public func stop() {
        state.withLock { $0.loop }?.post(.stop)
    }
}

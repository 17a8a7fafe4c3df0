import CSockets
import Glibc

/// A bound, listening, non-blocking socket. Owner: the connection loop, which closes it.
struct ListeningSocket {
    let descriptor: Int32
    let address: SocketAddress
    /// To be removed when the socket closes.
    let path: String?

    static func open(_ address: ListenAddress, backlog: Int32) throws(HTTPServerError) -> ListeningSocket {
        switch address {
        case .tcp(let host, let port): try openTCP(host: host, port: port, backlog: backlog, named: address)
        case .unix(let path): try openUnix(path: path, backlog: backlog, named: address)
        }
    }

    func close() {
        Glibc.close(descriptor)
        if let path { unlink(path) }
    }

    private static func openTCP(
        host: String, port: Int, backlog: Int32, named name: ListenAddress
    ) throws(HTTPServerError) -> ListeningSocket {
        guard (0...65535).contains(port) else {
            throw .addressRefused(address: "\(name)", reason: "a port lies between 0 and 65535")
        }
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &found)
        guard code == 0, let found else {
            throw .unknownHost(host: host, reason: String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(found) }
        var failure = HTTPServerError.unknownHost(host: host, reason: "no address")
        var next: UnsafeMutablePointer<addrinfo>? = found
        while let candidate = next {
            let info = candidate.pointee
            do throws(HTTPServerError) {
                let descriptor = try bound(
                    family: info.ai_family, info.ai_addr, info.ai_addrlen, backlog: backlog, named: name)
                return ListeningSocket(
                    descriptor: descriptor, address: SocketAddress.local(of: descriptor), path: nil)
            } catch { failure = error }
            next = info.ai_next
        }
        throw failure
    }

    private static func openUnix(
        path: String, backlog: Int32, named name: ListenAddress
    ) throws(HTTPServerError) -> ListeningSocket {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .socketPathTooLong(path: path)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let descriptor = try withUnsafePointer(to: &address) { (pointer) throws(HTTPServerError) -> Int32 in
            let generic = UnsafeMutableRawPointer(mutating: UnsafeRawPointer(pointer))
                .assumingMemoryBound(to: sockaddr.self)
            do throws(HTTPServerError) {
                return try bound(family: AF_UNIX, generic, size, backlog: backlog, named: name)
            } catch {
                // A socket file that nobody answers on was left behind by a process that died.
                guard case .addressInUse = error, isAbandoned(generic, size) else { throw error }
                unlink(path)
                return try bound(family: AF_UNIX, generic, size, backlog: backlog, named: name)
            }
        }
        return ListeningSocket(descriptor: descriptor, address: .local(of: descriptor), path: path)
    }

    private static func isAbandoned(_ address: UnsafeMutablePointer<sockaddr>, _ size: socklen_t) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { Glibc.close(descriptor) }
        return connect(descriptor, address, size) != 0 && errno == ECONNREFUSED
    }

    private static func bound(
        family: Int32, _ address: UnsafeMutablePointer<sockaddr>?, _ size: socklen_t, backlog: Int32,
        named name: ListenAddress
    ) throws(HTTPServerError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else {
            throw .addressRefused(address: "\(name)", reason: HTTPServerError.text(errno))
        }
        var on: Int32 = 1
        var off: Int32 = 0
        let length = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, length)
        if family == AF_INET6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, length)
        }
        guard bind(descriptor, address, size) == 0, listen(descriptor, backlog) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            if code == EADDRINUSE { throw .addressInUse(address: "\(name)") }
            throw .addressRefused(address: "\(name)", reason: HTTPServerError.text(code))
        }
        return descriptor
    }
}

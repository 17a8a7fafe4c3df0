import CSockets
import Glibc

/// A peer or local address as the kernel gives it, with its text for logs.
struct SocketAddress {
    private var storage = sockaddr_storage()
    private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

    /// Fills the address by a system call that returns -1 on failure.
    static func filled(
        by call: (UnsafeMutablePointer<sockaddr_storage>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> (result: Int32, address: SocketAddress) {
        var address = SocketAddress()
        let result = call(&address.storage, &address.length)
        return (result, address)
    }

    static func local(of descriptor: Int32) -> SocketAddress {
        filled { storage, length in
            UnsafeMutableRawPointer(storage).withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, length)
            }
        }.address
    }

    var isUnix: Bool { Int32(storage.ss_family) == AF_UNIX }

    /// Nil for unix sockets.
    var port: Int? {
        switch Int32(storage.ss_family) {
        case AF_INET: rebound(to: sockaddr_in.self) { Int(UInt16(bigEndian: $0.sin_port)) }
        case AF_INET6: rebound(to: sockaddr_in6.self) { Int(UInt16(bigEndian: $0.sin6_port)) }
        default: nil
        }
    }

    /// "127.0.0.1:5123", "[::1]:80", "unix". IPv4 clients of an IPv6 socket are shown as IPv4.
    var text: String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        switch Int32(storage.ss_family) {
        case AF_INET:
            var address = rebound(to: sockaddr_in.self) { $0.sin_addr }
            inet_ntop(AF_INET, &address, &buffer, socklen_t(buffer.count))
            return "\(Self.string(buffer)):\(port ?? 0)"
        case AF_INET6:
            var address = rebound(to: sockaddr_in6.self) { $0.sin6_addr }
            inet_ntop(AF_INET6, &address, &buffer, socklen_t(buffer.count))
            let host = Self.string(buffer)
            let mapped = "::ffff:"
            guard host.hasPrefix(mapped), host.contains(".") else { return "[\(host)]:\(port ?? 0)" }
            return "\(host.dropFirst(mapped.count)):\(port ?? 0)"
        default:
            return "unix"
        }
    }

    private static func string(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func rebound<Address, Result>(to type: Address.Type, _ body: (Address) -> Result) -> Result {
        withUnsafePointer(to: storage) {
            UnsafeRawPointer($0).withMemoryRebound(to: type, capacity: 1) { body($0.pointee) }
        }
    }
}

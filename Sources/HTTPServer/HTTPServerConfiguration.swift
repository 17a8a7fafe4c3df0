import HTTP1

/// Where to listen.
public enum ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// A name or address ("127.0.0.1", "::1", "localhost"; "::" takes IPv4 as well) and a port, 0 for any.
    case tcp(host: String, port: Int)
    case unix(path: String)

    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

public struct HTTPServerConfiguration: Sendable {
    public var addresses: [ListenAddress]
    public var limits = HTTPLimits()
    public var timeouts = HTTPTimeouts()
    /// Nil: plain HTTP.
    public var tls: TLSConfiguration?
    /// Connections held at once; one more makes an idle one go, or is told 503.
    public var maximumConnections = 8192
    /// Connections that the kernel completes before they are accepted.
    public var backlog: Int32 = 4096
    /// Called on the I/O queue after each answer has been written: be quick.
    public var onAccess: (@Sendable (HTTPAccessRecord) -> Void)?

    public init(addresses: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 8080)]) {
        self.addresses = addresses
    }
}

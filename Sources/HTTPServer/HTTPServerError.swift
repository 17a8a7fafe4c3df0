import Glibc

/// Why a server can't start. `description` is one line for the person who started it.
public enum HTTPServerError: Error, Sendable, Equatable, CustomStringConvertible {
    case addressInUse(address: String)
    case addressRefused(address: String, reason: String)
    case unknownHost(host: String, reason: String)
    case socketPathTooLong(path: String)
    case system(operation: String, code: Int32)
    case alreadyStarted
    /// The certificate, the key or their match; `reason` is OpenSSL's.
    case tls(what: String, reason: String)

    public var description: String {
        switch self {
        case .addressInUse(let address): "can't listen on \(address): the address is already in use"
        case .addressRefused(let address, let reason): "can't listen on \(address): \(reason)"
        case .unknownHost(let host, let reason): "can't listen on \(host): \(reason)"
        case .socketPathTooLong(let path): "can't listen on \(path): the path is too long for a socket"
        case .system(let operation, let code): "\(operation): \(Self.text(code))"
        case .alreadyStarted: "the server has already been started"
        case .tls(let what, let reason): "\(what): \(reason)"
        }
    }

    static func text(_ code: Int32) -> String {
        String(cString: strerror(code))
    }
}

import COpenSSL
import Glibc

public struct TLSConfiguration: Sendable, Equatable {
    /// PEM: the certificate, then those that signed it.
    public var certificatePath: String
    /// PEM, without a passphrase.
    public var keyPath: String
    /// Mozilla's "modern" profile speaks TLS 1.3 alone; the default takes 1.2 as well.
    public var requiresTLS13: Bool

    public init(certificatePath: String, keyPath: String, requiresTLS13: Bool = false) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.requiresTLS13 = requiresTLS13
    }
}

/// A certificate, its key and the policy, from which sessions are made. Immutable but for its ticket keys,
/// which the connection loop changes and, in handshakes, uses; OpenSSL counts references by itself.
final class TLSContext: @unchecked Sendable {
    private let context: OpaquePointer

    init(_ configuration: TLSConfiguration) throws(HTTPServerError) {
        ERR_clear_error()
        guard let context = copenssl_server_context(configuration.requiresTLS13 ? 1 : 0) else {
            throw .tls(what: "TLS", reason: Self.lastReason())
        }
        self.context = context
        let certificate = configuration.certificatePath
        try Self.requireReadable(certificate, what: "certificate")
        guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw .tls(what: "certificate \(certificate)", reason: Self.lastReason())
        }
        let key = configuration.keyPath
        try Self.requireReadable(key, what: "key")
        guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
            throw .tls(what: "key \(key)", reason: Self.lastReason())
        }
        guard SSL_CTX_check_private_key(context) == 1 else {
            throw .tls(what: "key \(key)", reason: Self.lastReason())
        }
    }

    deinit { SSL_CTX_free(context) }

    func makeSession(descriptor: Int32) -> TLSSession? {
        guard let session = SSL_new(context) else { return nil }
        guard SSL_set_fd(session, descriptor) == 1 else {
            SSL_free(session)
            return nil
        }
        SSL_set_accept_state(session)
        return TLSSession(session)
    }

    /// Tickets of the key until now are taken until the next call.
    func rotateTicketKeys() {
        _ = copenssl_rotate_ticket_keys(context)
    }

    /// OpenSSL has no words for the system's errors.
    private static func requireReadable(_ path: String, what: String) throws(HTTPServerError) {
        guard access(path, R_OK) == 0 else {
            throw .tls(what: "\(what) \(path)", reason: HTTPServerError.text(errno))
        }
    }

    /// The earliest error on OpenSSL's queue, which is the cause of the later ones.
    private static func lastReason() -> String {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0, let reason = ERR_reason_error_string(code) else { return "unknown error" }
        return String(cString: reason)
    }
}

/// The TLS state of one connection. Owner: the connection.
final class TLSSession {
    private let session: OpaquePointer

    fileprivate init(_ session: OpaquePointer) { self.session = session }

    deinit { SSL_free(session) }

    /// Also carries the handshake on.
    func read(into buffer: UnsafeMutableBufferPointer<UInt8>) -> TransferResult {
        ERR_clear_error()
        return result(SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count)))
    }

    func write(_ buffer: UnsafeBufferPointer<UInt8>) -> TransferResult {
        guard !buffer.isEmpty else { return .bytes(0) }
        ERR_clear_error()
        return result(SSL_write(session, buffer.baseAddress, Int32(clamping: buffer.count)))
    }

    /// Tells the client that nothing more comes, so that it can tell an end from a cut.
    func sendCloseNotify() {
        ERR_clear_error()
        if SSL_is_init_finished(session) == 1 { _ = SSL_shutdown(session) }
    }

    private func result(_ count: Int32) -> TransferResult {
        guard count <= 0 else { return .bytes(Int(count)) }
        switch SSL_get_error(session, count) {
        case SSL_ERROR_WANT_READ: return .wouldBlock
        case SSL_ERROR_WANT_WRITE: return .wouldBlockOnWrite
        case SSL_ERROR_ZERO_RETURN: return .end
        default: return .failed
        }
    }
}

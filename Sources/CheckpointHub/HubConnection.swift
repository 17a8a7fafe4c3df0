import COpenSSL
import Glibc

/// One blocking connection to a hub, with TLS when the address asks for it. Certificates are checked against
/// the system's authorities and the host's name. Used by one thread.
final class HubConnection {
    private let url: HubURL
    private let descriptor: Int32
    private var context: OpaquePointer?
    private var session: OpaquePointer?

    /// Seconds without a byte after which a read or write gives up.
    private static let patience = 30

    init(_ url: HubURL) throws(HubError) {
        self.url = url
        descriptor = try Self.connect(url)
        if url.isEncrypted { try secure() }
    }

    deinit {
        SSL_free(session)
        SSL_CTX_free(context)
        close(descriptor)
    }

    private static func connect(_ url: HubURL) throws(HubError) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(url.host, String(url.port), &hints, &list)
        guard code == 0 else {
            throw .connection(host: url.host, reason: String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(list) }
        var reason = "no address"
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            let descriptor = socket(entry.ai_family, entry.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { continue }
            var wait = timeval(tv_sec: patience, tv_usec: 0)
            let size = socklen_t(MemoryLayout<timeval>.size)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, size)
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, size)
            if Glibc.connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return descriptor }
            reason = String(cString: strerror(errno))
            close(descriptor)
        }
        throw .connection(host: url.authority, reason: reason)
    }

    private func secure() throws(HubError) {
        guard let context = SSL_CTX_new(TLS_client_method()) else {
            throw .connection(host: url.host, reason: "TLS could not be set up")
        }
        self.context = context
        // SSL_CTX_set_min_proto_version is a macro; this is the call behind it.
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        guard SSL_CTX_set_default_verify_paths(context) == 1, let session = SSL_new(context) else {
            throw .connection(host: url.host, reason: "the system's certificate authorities can't be read")
        }
        self.session = session
        // Server name indication and the name that the certificate must carry.
        var name = Array(url.host.utf8CString)
        SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), &name)
        guard SSL_set1_host(session, url.host) == 1, SSL_set_fd(session, descriptor) == 1 else {
            throw .connection(host: url.host, reason: "TLS could not be set up")
        }
        guard SSL_connect(session) == 1 else {
            let verdict = SSL_get_verify_result(session)
            if verdict != Int(X509_V_OK) {
                throw .certificate(
                    host: url.authority, reason: String(cString: X509_verify_cert_error_string(verdict)))
            }
            throw .connection(host: url.authority, reason: "the TLS handshake failed")
        }
    }

    func write(_ bytes: [UInt8]) throws(HubError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                let rest = UnsafeRawBufferPointer(rebasing: raw[sent...])
                return session.map { Int(SSL_write($0, rest.baseAddress, Int32(min(rest.count, 1 << 20)))) }
                    ?? send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else {
                throw .connection(host: url.authority, reason: "the connection broke while sending")
            }
            sent += count
        }
    }

    /// At most `buffer.count` bytes; 0 at the end, also when the peer broke off or stayed silent too long.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            if let session {
                return max(0, Int(SSL_read(session, buffer.baseAddress, Int32(min(buffer.count, 1 << 20)))))
            }
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count < 0 && errno == EINTR { continue }
            return max(0, count)
        }
    }
}

import CTestCertificates
import Glibc

/// A TLS session over a loopback client's socket.
final class SecureClient {
    private let socket: LoopbackClient
    private let session: OpaquePointer

    init?(port: Int, version: Int32 = 0, protocols: [String] = [], resumed: Ticket? = nil) {
        guard let socket = try? LoopbackClient(port: port) else { return nil }
        let list = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        let session = ctest_connect(
            socket.descriptor, version, list.isEmpty ? nil : list, UInt32(list.count), resumed?.session)
        guard let session else { return nil }
        self.socket = socket
        self.session = session
    }

    deinit {
        // A session that ends without a word counts as broken and is not taken up again.
        SSL_shutdown(session)
        SSL_free(session)
    }

    var isResumed: Bool { SSL_session_reused(session) == 1 }

    /// What a later connection takes up again.
    final class Ticket {
        fileprivate let session: OpaquePointer

        fileprivate init(_ session: OpaquePointer) { self.session = session }

        deinit { SSL_SESSION_free(session) }
    }

    /// The latest ticket, which in TLS 1.3 comes with the first answer.
    var ticket: Ticket? { SSL_get1_session(session).map(Ticket.init) }

    var version: Int32 { SSL_version(session) }

    var applicationProtocol: String {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(session, &name, &length)
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
    }

    var peerName: String {
        var buffer = [CChar](repeating: 0, count: 64)
        _ = ctest_peer_name(session, &buffer, Int32(buffer.count))
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Sends, and reads until `count` bytes of answer have come or the server closes.
    func exchange(_ text: String, count: Int = 1) -> String {
        let bytes = Array(text.utf8)
        guard SSL_write(session, bytes, Int32(bytes.count)) == Int32(bytes.count) else { return "" }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 32768)
        while answer.count < count {
            let got = SSL_read(session, &buffer, Int32(buffer.count))
            guard got > 0 else { break }
            answer += buffer[..<Int(got)]
        }
        return String(decoding: answer, as: UTF8.self)
    }
}

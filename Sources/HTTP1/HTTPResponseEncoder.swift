/// Writes the head of a response. Whatever a handler puts into names and values, the bytes on the wire
/// stay one well-formed head (swift-nio's CVE-2022-3215 is the bug this must not have).
public struct HTTPResponseEncoder: Sendable {
    public enum BodyFraming: Sendable, Equatable {
        case length(Int)
        case chunked
        /// The connection's end ends the body: for streams to HTTP/1.0 clients.
        case untilClose
        /// No body and no framing field: 204, 304.
        case none
    }

    public enum Persistence: Sendable, Equatable {
        case close
        case keepAlive
        /// HTTP/1.0 clients have to be told that the connection stays.
        case keepAliveSaidAloud
    }

    /// - Parameter date: an IMF-fixdate; the caller formats it once a second.
    public static func head(
        status: Int, headers: HTTPHeaders, framing: BodyFraming, persistence: Persistence, date: String
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        append("HTTP/1.1 \(status) \(HTTPStatus.reason(status))\r\nDate: ", to: &bytes)
        append(date, to: &bytes)
        append("\r\n", to: &bytes)
        for (name, value) in headers.fields where !isServersOwn(name) {
            append(name, value, to: &bytes)
        }
        switch framing {
        case .length(let count): append("Content-Length: \(count)\r\n", to: &bytes)
        case .chunked: append("Transfer-Encoding: chunked\r\n", to: &bytes)
        case .untilClose, .none: break
        }
        switch persistence {
        case .close: append("Connection: close\r\n", to: &bytes)
        case .keepAliveSaidAloud: append("Connection: keep-alive\r\n", to: &bytes)
        case .keepAlive: break
        }
        append("\r\n", to: &bytes)
        return bytes
    }

    /// One chunk of a chunked body; nothing for an empty piece, which would end the body.
    public static func chunk(_ piece: [UInt8]) -> [UInt8] {
        guard !piece.isEmpty else { return [] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(piece.count + 12)
        append(String(piece.count, radix: 16), to: &bytes)
        append("\r\n", to: &bytes)
        bytes.append(contentsOf: piece)
        append("\r\n", to: &bytes)
        return bytes
    }

    public static let lastChunk: [UInt8] = Array("0\r\n\r\n".utf8)
    public static let continueHead: [UInt8] = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Fields that frame the message are the server's to write.
    private static func isServersOwn(_ name: String) -> Bool {
        switch name.utf8.count {
        case 4: ByteSyntax.same(name.utf8, "date")
        case 10: ByteSyntax.same(name.utf8, "connection")
        case 14: ByteSyntax.same(name.utf8, "content-length")
        case 17: ByteSyntax.same(name.utf8, "transfer-encoding")
        default: false
        }
    }

    /// A name that is no token is dropped; control bytes in a value become spaces (RFC 9110 section 5.5).
    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        guard ByteSyntax.isToken(name.utf8) else { return }
        append(name, to: &bytes)
        append(": ", to: &bytes)
        let start = bytes.count
        append(value, to: &bytes)
        for index in start..<bytes.count where ByteSyntax.isForbiddenControl(bytes[index]) {
            bytes[index] = ByteSyntax.space
        }
        append("\r\n", to: &bytes)
    }

    /// Whole strings at once: the array's own way goes byte by byte here.
    private static func append(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { bytes.append(contentsOf: $0) }
    }
}

import HTTP1
import Testing

@Suite struct ResponseEncoderTests {
    private func head(
        _ headers: HTTPHeaders, framing: HTTPResponseEncoder.BodyFraming = .length(0),
        persistence: HTTPResponseEncoder.Persistence = .keepAlive
    ) -> String {
        let bytes = HTTPResponseEncoder.head(
            status: 200, headers: headers, framing: framing, persistence: persistence, date: "D")
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func writesTheWholeHead() {
        #expect(
            head(["Content-Type": "text/plain"], framing: .length(5))
                == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n")
        #expect(
            head([:], framing: .chunked, persistence: .close)
                == "HTTP/1.1 200 OK\r\nDate: D\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        #expect(
            head([:], framing: .none, persistence: .keepAliveSaidAloud)
                == "HTTP/1.1 200 OK\r\nDate: D\r\nConnection: keep-alive\r\n\r\n")
    }

    /// swift-nio's CVE-2022-3215: what a handler passes on must not split the response.
    @Test func controlBytesNeverReachTheWire() {
        let text = head([
            "X-A": "a\r\nSet-Cookie: b", "X-B": "\0\u{7F}\n", "Bad\r\nName": "v", "Bad:Name": "v", "": "v",
        ])
        #expect(
            text
                == "HTTP/1.1 200 OK\r\nDate: D\r\nX-A: a  Set-Cookie: b\r\nX-B:    \r\nContent-Length: 0\r\n\r\n"
        )
    }

    @Test func framingFieldsAreTheServersOwn() {
        let text = head([
            "content-length": "99", "Transfer-Encoding": "x", "connection": "upgrade", "date": "never",
        ])
        #expect(text == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\n\r\n")
    }

    @Test func chunks() {
        #expect(HTTPResponseEncoder.chunk([]) == [])
        let chunk = HTTPResponseEncoder.chunk([UInt8](repeating: UInt8(ascii: "x"), count: 17))
        #expect(String(decoding: chunk, as: UTF8.self) == "11\r\nxxxxxxxxxxxxxxxxx\r\n")
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    ])
    func dates(_ seconds: Int, _ expected: String) {
        #expect(HTTPDate.format(secondsSince1970: seconds) == expected)
    }
}

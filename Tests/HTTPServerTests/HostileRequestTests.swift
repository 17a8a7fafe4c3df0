import Glibc
import HTTP1
import HTTPServer
import Testing

/// Requests that have smuggled, split or stalled something somewhere, replayed over a real socket. Each is
/// followed by a second request: a server that answers that one too has lost the framing.
@Suite struct HostileRequestTests {
    private static let h = "Host: h\r\n"
    private static let post = "POST / HTTP/1.1\r\nHost: h\r\n"

    static let corpus: [(name: String, request: String, status: Int)] = [
        ("CL.TE", post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", 400),
        ("TE.CL", post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGPOST", 400),
        ("TE.TE space before colon", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("TE.TE tab", post + "Transfer-Encoding:\tchunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n", 400),
        ("TE.TE vertical tab", post + "Transfer-Encoding: \u{B}chunked\r\n\r\n0\r\n\r\n", 400),
        ("TE.TE folded", post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
        ("TE.TE newline in name", post + "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("TE xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("TE identity", post + "Transfer-Encoding: identity\r\n\r\n", 400),
        ("TE quoted", post + "Transfer-Encoding: 'chunked'\r\n\r\n0\r\n\r\n", 400),
        ("TE chunked not last", post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        ("TE in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("CL.CL", post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", 400),
        ("CL list", post + "Content-Length: 0, 5\r\n\r\nhello", 400),
        ("CL plus", post + "Content-Length: +5\r\n\r\nhello", 400),
        ("CL minus", post + "Content-Length: -5\r\n\r\nhello", 400),
        ("CL empty", post + "Content-Length:\r\n\r\nhello", 400),
        ("CL hexadecimal", post + "Content-Length: 0x5\r\n\r\nhello", 400),
        ("CL overflow", post + "Content-Length: 18446744073709551621\r\n\r\nhello", 400),
        ("CL with bare CR", post + "Content-Length: 5\r\r\n\r\nhello", 400),
        ("CL name with NUL", post + "Content-Length\0: 5\r\n\r\nhello", 400),
        ("chunk size minus", post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400),
        ("chunk size prefix", post + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400),
        ("chunk size overflow", post + "Transfer-Encoding: chunked\r\n\r\n100000000000000001\r\na\r\n", 400),
        (
            "chunk size underscore", post + "Transfer-Encoding: chunked\r\n\r\n1_0\r\n0123456789abcdef\r\n",
            400
        ),
        ("chunk size ends in LF", post + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400),
        ("chunk ends in LF", post + "Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n", 400),
        ("chunk without end", post + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400),
        ("chunk extension with LF", post + "Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n", 400),
        ("chunk extension with CR", post + "Transfer-Encoding: chunked\r\n\r\n1;\rb\r\na\r\n0\r\n\r\n", 400),
        ("trailer ends in LF", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\r\n", 400),
        ("chunk too large", post + "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\na", 413),
        ("bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400),
        ("bare CR", "GET / HTTP/1.1\rHost: h\r\r", 400),
        ("folded first line", "GET / HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n", 400),
        ("no Host", "GET / HTTP/1.1\r\n\r\n", 400),
        ("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("empty name", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", 400),
        ("NUL in value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", 400),
        ("NUL in target", "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("space in target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("HTTP/0.9", "GET /\r\n", 400),
        ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("HTTP/3", "GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505),
        ("CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        ("TLS hello", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{FC}\u{3}\u{3}", 400),
        ("percent without digits", "GET /%g1 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("encoded NUL", "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("overlong UTF-8", "GET /%c0%ae%c0%ae/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("unknown expectation", post + "Expect: 200-ok\r\nContent-Length: 5\r\n\r\nhello", 417),
        ("endless target", "GET /" + String(repeating: "a", count: 20_000) + " HTTP/1.1\r\n\r\n", 414),
        ("endless value", post + "X: " + String(repeating: "a", count: 100_000) + "\r\n\r\n", 431),
        ("endless name", post + String(repeating: "a", count: 100_000) + ": b\r\n\r\n", 431),
        ("100,000 fields", post + String(repeating: "X: y\r\n", count: 100_000) + "\r\n", 431),
        (
            "endless extension",
            post + "Transfer-Encoding: chunked\r\n\r\n1;" + String(repeating: "a", count: 100_000), 400
        ),
    ]

    @Test func refusedOnceAndClosed() async throws {
        try await withServer { port, _ in
            for (name, request, status) in Self.corpus {
                let client = try LoopbackClient(port: port)
                client.send(Array(request.utf8) + Array("GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n".utf8))
                client.finishSending()
                let answer = client.receiveAll()
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(name): \(answer.prefix(60))")
                #expect(!answer.contains("smuggled"), "\(name)")
                #expect(answer.contains("Connection: close\r\n"), "\(name)")
            }
        }
    }

    /// Nothing may be left behind by clients that vanish in the middle.
    @Test func manyResetsLeaveNothing() async throws {
        @Sendable func descriptors() -> Int { (0..<4096).filter { fcntl($0, F_GETFD) >= 0 }.count }
        try await withServer { port, _ in
            let before = descriptors()
            for index in 0..<1000 {
                let client = try LoopbackClient(port: port)
                client.send(
                    index.isMultiple(of: 2)
                        ? "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab" : "GE")
                client.resetConnection()
            }
            #expect(eventually { descriptors() <= before + 40 })
        }
    }
}

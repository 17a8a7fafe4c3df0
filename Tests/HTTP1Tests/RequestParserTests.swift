import HTTP1
import Testing

/// Feeds `bytes` in pieces that end at `cuts` and gives the first outcome that isn't a wish for more.
func parse(
    _ bytes: [UInt8], cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()
) -> (outcome: HTTPRequestParser.Outcome, used: Int) {
    var parser = HTTPRequestParser(limits: limits)
    var start = 0
    for end in cuts + [bytes.count] {
        let piece = Array(bytes[start..<end])
        var position = 0
        let outcome = parser.parse(piece.span, from: &position)
        if outcome != .needMoreBytes { return (outcome, start + position) }
        start = end
    }
    return (.needMoreBytes, start)
}

func parse(_ text: String, limits: HTTPLimits = HTTPLimits()) -> HTTPRequestParser.Outcome {
    parse(Array(text.utf8), limits: limits).outcome
}

func fault(_ text: String, limits: HTTPLimits = HTTPLimits()) -> HTTPRequestFault? {
    if case .invalid(let fault) = parse(text, limits: limits) { return fault }
    return nil
}

func parsed(_ text: String, limits: HTTPLimits = HTTPLimits()) -> (HTTPRequestHead, HTTPRequestFraming)? {
    if case .head(let head, let framing) = parse(text, limits: limits) { return (head, framing) }
    return nil
}

@Suite struct RequestParserTests {
    @Test func readsAWholeHead() throws {
        let text =
            "POST /seg%20ment?expression=the+left%20dog&x HTTP/1.1\r\nHost: a:8080\r\nX-Empty:\r\n"
            + "content-length: 5\r\nX-Odd: \t v \t\r\n\r\nhello"
        let (outcome, used) = parse(Array(text.utf8))
        guard case .head(let head, let framing) = outcome else {
            Issue.record("no head: \(outcome)")
            return
        }
        #expect(used == text.utf8.count - 5)
        #expect(head.method == "POST")
        #expect(head.target == "/seg%20ment?expression=the+left%20dog&x")
        #expect(head.path == "/seg ment")
        #expect(
            head.query == [
                HTTPQueryItem(name: "expression", value: "the left dog"), HTTPQueryItem(name: "x", value: ""),
            ])
        #expect(head.headers["x-empty"] == "")
        #expect(head.headers["X-ODD"] == "v")
        #expect(framing == HTTPRequestFraming(body: .length(5)))
    }

    static let cutSubjects = [
        "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
        "\r\nGET /a?b=%41 HTTP/1.0\r\n\r\n",
        "POST http://h:1/x HTTP/1.1\r\nhOST: other\r\ntransfer-ENCODING: Chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\rHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \u{1}\r\n\r\n",
    ]

    @Test(arguments: cutSubjects) func cutAnywhereGivesTheSame(_ text: String) {
        let bytes = Array(text.utf8)
        let whole = parse(bytes)
        #expect(whole.outcome != .needMoreBytes)
        for cut in 0...bytes.count {
            let pieces = parse(bytes, cuts: [cut])
            #expect(pieces.outcome == whole.outcome && pieces.used == whole.used, "cut at \(cut)")
        }
        let single = parse(bytes, cuts: Array(0..<bytes.count))
        #expect(single.outcome == whole.outcome && single.used == whole.used, "byte by byte")
    }

    static let refused: [(String, HTTPRequestFault)] = [
        ("GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        ("GET / HTTP/1.1\rHost: a\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nHost: a\u{0}\r\n\r\n", .controlByte(0)),
        ("GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", .controlByte(0)),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{7F}\r\n\r\n", .controlByte(0x7F)),
        ("\u{16}\u{3}\u{1}", .controlByte(0x16)),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", .foldedHeader),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .foldedHeader),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .invalidHeaderName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\t: b\r\n\r\n", .invalidHeaderName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX(: b\r\n\r\n", .invalidHeaderName),
        ("GET / HTTP/1.1\r\nHost: a\r\nÄ: b\r\n\r\n", .invalidHeaderName),
        ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", .emptyHeaderName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", .headerWithoutColon),
        ("GET / HTTP/1.1\r\n\r\n", .missingHost),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", .repeatedHost),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", .invalidHost),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .invalidHost),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .invalidHost),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .invalidHost),
        ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", .invalidHost),
        ("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", .invalidHost),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .invalidHost),
        ("GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n", .invalidHost),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("GET / a HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .malformedRequestLine),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
        ("GET /\r\n\r\n", .malformedRequestLine),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/11\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion),
        ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", .unsupportedVersion),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
        ("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
        ("GET /\\a HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
        ("GET /é HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
        ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", .invalidHost),
        ("GET http://u:p@a/x HTTP/1.1\r\nHost: a\r\n\r\n", .invalidHost),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", .connectUnsupported),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", .badPercentEncoding),
        ("GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", .badPercentEncoding),
        ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", .badPercentEncoding),
        ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", .badPercentEncoding),
        ("GET /?a=%g0 HTTP/1.1\r\nHost: a\r\n\r\n", .badPercentEncoding),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: wonder\r\n\r\n", .unknownExpectation),
    ]

    @Test(arguments: refused) func refusesHead(_ text: String, _ expected: HTTPRequestFault) {
        #expect(fault(text) == expected)
    }

    static let refusedFraming: [(String, HTTPRequestFault)] = [
        ("Content-Length: 5\r\nContent-Length: 5", .repeatedContentLength),
        ("Content-Length: 5\r\ncontent-length: 6", .repeatedContentLength),
        ("Content-Length: 5, 5", .invalidContentLength),
        ("Content-Length: +5", .invalidContentLength),
        ("Content-Length: -5", .invalidContentLength),
        ("Content-Length: 0x5", .invalidContentLength),
        ("Content-Length: 5a", .invalidContentLength),
        ("Content-Length: 1 2", .invalidContentLength),
        ("Content-Length:", .invalidContentLength),
        ("Content-Length: \u{661}", .invalidContentLength),
        ("Content-Length: 9223372036854775808", .invalidContentLength),
        ("Content-Length: 99999999999999999999999999", .invalidContentLength),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", .contentLengthWithTransferEncoding),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0", .contentLengthWithTransferEncoding),
        ("Transfer-Encoding: gzip, chunked", .unsupportedTransferCoding),
        ("Transfer-Encoding: chunked, gzip", .unsupportedTransferCoding),
        ("Transfer-Encoding: chunked, chunked", .unsupportedTransferCoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .unsupportedTransferCoding),
        ("Transfer-Encoding: identity", .unsupportedTransferCoding),
        ("Transfer-Encoding: xchunked", .unsupportedTransferCoding),
        ("Transfer-Encoding: chunked;a=b", .unsupportedTransferCoding),
        ("Transfer-Encoding: \"chunked\"", .unsupportedTransferCoding),
        ("Transfer-Encoding:", .unsupportedTransferCoding),
        ("Transfer-Encoding : chunked", .invalidHeaderName),
    ]

    @Test(arguments: refusedFraming) func refusesFraming(_ fields: String, _ expected: HTTPRequestFault) {
        #expect(fault("POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n") == expected)
        #expect(expected.status == 400)
    }

    @Test func httpOneZero() throws {
        let plain = try #require(parsed("GET / HTTP/1.0\r\n\r\n"))
        #expect(plain.1 == HTTPRequestFraming(keepsAlive: false, isHTTP10: true))
        let kept = try #require(parsed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"))
        #expect(kept.1.keepsAlive)
        let expecting = try #require(parsed("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"))
        #expect(!expecting.1.expectsContinue)
        #expect(fault("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == .transferEncodingInHTTP10)
    }

    @Test func persistenceAndExpectation() throws {
        #expect(try #require(parsed("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).1.keepsAlive)
        let closing = try #require(parsed("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"))
        #expect(!closing.1.keepsAlive)
        let large = try #require(
            parsed("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 9\r\n\r\n"))
        #expect(large.1.expectsContinue)
        let empty = try #require(
            parsed("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"))
        #expect(!empty.1.expectsContinue)
    }

    @Test func targetForms() throws {
        #expect(try #require(parsed("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")).0.path == "*")
        let absolute = try #require(parsed("GET HTTP://b:8/x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n")).0
        #expect(absolute.path == "/x")
        #expect(absolute.headers["Host"] == "b:8")
        #expect(try #require(parsed("GET http://b?q HTTP/1.1\r\nHost: b\r\n\r\n")).0.path == "/")
        for host in ["a", "a:", "a:80", "[::1]:80", "127.0.0.1", "a-b.c%20"] {
            #expect(parsed("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") != nil, "\(host)")
        }
        #expect(parsed("GET / HTTP/1.2\r\nHost: a\r\n\r\n") != nil)
    }

    @Test func valuesThatAreNotUTF8AreLatin1() throws {
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + [0xE9] + Array("\r\n\r\n".utf8)
        guard case .head(let head, _) = parse(bytes).outcome else {
            Issue.record("no head")
            return
        }
        #expect(head.headers["X"] == "é")
    }
}

@Suite struct RequestLimitTests {
    @Test func requestLine() {
        var limits = HTTPLimits()
        limits.requestLineBytes = 100
        let room = 100 - "GET / HTTP/1.1".utf8.count
        let path = String(repeating: "a", count: room)
        #expect(parsed("GET /\(path) HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits) != nil)
        let over = fault("GET /\(path)a HTTP/1.1", limits: limits)
        #expect(over == .requestLineTooLong(limit: 100))
        #expect(over?.status == 414)
    }

    @Test func headerBytes() {
        var limits = HTTPLimits()
        limits.headerBytes = 50
        let rest = 50 - "Host: a\r\nX: \r\n".utf8.count
        let value = String(repeating: "v", count: rest)
        #expect(parsed("GET / HTTP/1.1\r\nHost: a\r\nX: \(value)\r\n\r\n", limits: limits) != nil)
        let over = fault("GET / HTTP/1.1\r\nHost: a\r\nX: \(value)v", limits: limits)
        #expect(over == .headersTooLarge(limit: 50))
        #expect(over?.status == 431)
    }

    @Test func headerCount() {
        var limits = HTTPLimits()
        limits.headerCount = 10
        let nine = String(repeating: "X: y\r\n", count: 9)
        #expect(parsed("GET / HTTP/1.1\r\nHost: a\r\n\(nine)\r\n", limits: limits) != nil)
        let over = fault("GET / HTTP/1.1\r\nHost: a\r\n\(nine)X: y\r\n\r\n", limits: limits)
        #expect(over == .tooManyHeaders(limit: 10))
        #expect(over?.status == 431)
    }

    @Test func leadingEmptyLines() {
        #expect(parsed("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") != nil)
        #expect(fault("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == .malformedRequestLine)
    }

    /// A header line without end is refused at its limit, not gathered.
    @Test func endlessHeaderLineIsCutOff() {
        var parser = HTTPRequestParser()
        let start = Array("GET / HTTP/1.1\r\nX: ".utf8)
        var position = 0
        #expect(parser.parse(start.span, from: &position) == .needMoreBytes)
        let filler = [UInt8](repeating: UInt8(ascii: "a"), count: 64 * 1024)
        position = 0
        let outcome = parser.parse(filler.span, from: &position)
        #expect(outcome == .invalid(.headersTooLarge(limit: 32 * 1024)))
        #expect(position < 33 * 1024)
    }
}

import HTTP1
import Testing

/// - Returns: the body and how many bytes were used; nil body when more are needed.
private func decode(
    _ text: String, cuts: [Int] = [], maximum: Int = 1000, limits: HTTPLimits = HTTPLimits()
) throws(HTTPRequestFault) -> (body: String, used: Int)? {
    let bytes = Array(text.utf8)
    var decoder = ChunkedDecoder(limits: limits)
    var body: [UInt8] = []
    var start = 0
    for end in cuts + [bytes.count] {
        let piece = Array(bytes[start..<end])
        var position = 0
        if try decoder.decode(piece.span, from: &position, into: &body, maximumBytes: maximum) {
            return (String(decoding: body, as: UTF8.self), start + position)
        }
        start = end
    }
    return nil
}

private func chunkFault(_ text: String, maximum: Int = 1000, limits: HTTPLimits = HTTPLimits())
    -> HTTPRequestFault?
{
    do {
        _ = try decode(text, maximum: maximum, limits: limits)
        return nil
    } catch { return error }
}

@Suite struct ChunkedDecoderTests {
    static let good = [
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
        ("00000000000000005\r\nhello\r\n0\r\n\r\n".replacingPrefix(17, with: "0000000000000005"), "hello"),
        ("A\r\n0123456789\r\n000\r\n\r\n", "0123456789"),
        ("a;x;y=1;z=\"q\\\";\" ; w = v\r\n0123456789\r\n0;e\r\n\r\n", "0123456789"),
        ("5\r\nhello\r\n0\r\nX: y\r\nZ:\r\n\r\n", "hello"),
        ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
    ]

    @Test(arguments: good) func decodesCutAnywhere(_ text: String, _ expected: String) throws {
        let count = text.utf8.count
        for cuts in (0...count).map({ [$0] }) + [Array(0..<count)] {
            let result = try #require(try decode(text + "GET", cuts: cuts))
            #expect(result.body == expected && result.used == count, "cuts \(cuts)")
        }
        for length in 0..<count {
            #expect(try decode(String(decoding: Array(text.utf8)[..<length], as: UTF8.self)) == nil)
        }
    }

    static let bad: [(String, HTTPRequestFault)] = [
        ("\r\n", .invalidChunkSize),
        ("g\r\n", .invalidChunkSize),
        ("-1\r\n", .invalidChunkSize),
        ("+1\r\n", .invalidChunkSize),
        (" 1\r\n", .invalidChunkSize),
        ("0x1\r\na\r\n", .invalidChunkExtension),
        ("1_0\r\n", .invalidChunkExtension),
        ("1 \r\na\r\n", .invalidChunkExtension),
        ("1,\r\na\r\n", .invalidChunkExtension),
        ("1;\r\na\r\n", .invalidChunkExtension),
        ("1;;a\r\na\r\n", .invalidChunkExtension),
        ("1;a=\r\na\r\n", .invalidChunkExtension),
        ("1;a=\"b\r\na\r\n", .invalidChunkExtension),
        ("10000000000000000\r\n", .invalidChunkSize),
        ("ffffffffffffffff\r\n", .invalidChunkSize),
        ("8000000000000000\r\n", .invalidChunkSize),
        ("7fffffffffffffff\r\n", .bodyTooLarge(limit: 1000)),
        ("1\na\r\n", .bareLineFeed),
        ("1;a\nb\r\n", .bareLineFeed),
        ("1;a\rb\r\n", .bareCarriageReturn),
        ("1\r\nab\r\n", .missingChunkTerminator),
        ("1\r\na\n0\r\n\r\n", .missingChunkTerminator),
        ("1\r\na0\r\n\r\n", .missingChunkTerminator),
        ("1\r\na\r0\r\n\r\n", .missingChunkTerminator),
        ("1;\u{0}\r\na\r\n", .controlByte(0)),
        ("0\r\nX\r\n\r\n", .headerWithoutColon),
        ("0\r\nX : y\r\n\r\n", .invalidHeaderName),
        ("0\r\n X: y\r\n\r\n", .foldedHeader),
        ("0\r\n\n", .bareLineFeed),
    ]

    @Test(arguments: bad) func refuses(_ text: String, _ expected: HTTPRequestFault) {
        #expect(chunkFault(text) == expected)
    }

    @Test func bodyLimit() throws {
        #expect(try decode("5\r\nhello\r\n0\r\n\r\n", maximum: 5)?.body == "hello")
        #expect(chunkFault("5\r\nhello\r\n1\r\n", maximum: 5) == .bodyTooLarge(limit: 5))
        // Refused by the size line alone, before the bytes come.
        #expect(chunkFault("6\r\n", maximum: 5) == .bodyTooLarge(limit: 5))
    }

    @Test func extensionLimitCountsAllChunks() throws {
        var limits = HTTPLimits()
        limits.chunkExtensionBytes = 10
        #expect(try decode("1;abcd\r\na\r\n0;efgh\r\n\r\n", limits: limits) != nil)
        #expect(
            chunkFault("1;abcd\r\na\r\n0;efghi\r\n\r\n", limits: limits) == .chunkExtensionsTooLong(limit: 10)
        )
        let endless = "1;" + String(repeating: "a", count: 100)
        #expect(chunkFault(endless, limits: limits) == .chunkExtensionsTooLong(limit: 10))
    }

    @Test func trailerLimits() throws {
        var limits = HTTPLimits()
        limits.trailerCount = 2
        #expect(try decode("0\r\nA: 1\r\nB: 2\r\n\r\n", limits: limits) != nil)
        #expect(chunkFault("0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits: limits) == .tooManyHeaders(limit: 2))
        limits.trailerCount = 100
        limits.trailerBytes = 12
        #expect(try decode("0\r\nA: 1\r\nB: 2\r\n\r\n", limits: limits) != nil)
        #expect(chunkFault("0\r\nA: 1\r\nB: 23\r\n\r\n", limits: limits) == .headersTooLarge(limit: 12))
    }

    /// Triton's CVE-2025-23310: many tiny chunks must cost no more than their bytes.
    @Test func aMillionTinyChunks() throws {
        var decoder = ChunkedDecoder()
        var body: [UInt8] = []
        let piece = Array(String(repeating: "1\r\na\r\n", count: 1000).utf8)
        for _ in 0..<1000 {
            var position = 0
            let done = try decoder.decode(piece.span, from: &position, into: &body, maximumBytes: 1 << 20)
            #expect(!done)
        }
        #expect(body.count == 1_000_000)
    }
}

extension String {
    fileprivate func replacingPrefix(_ count: Int, with prefix: String) -> String {
        prefix + dropFirst(count)
    }
}

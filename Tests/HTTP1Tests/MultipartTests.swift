import HTTP1
import Testing

/// Flattens a body to "name|filename|type|body" lines, read whole and again in every two pieces.
private func read(
    _ body: [UInt8], boundary: String = "B", limits: MultipartLimits = MultipartLimits()
) throws -> [String] {
    func line(_ head: MultipartPartHead, _ bytes: some Sequence<UInt8>) -> String {
        let text = String(decoding: Array(bytes), as: UTF8.self)
        return "\(head.name)|\(head.filename ?? "-")|\(head.contentType ?? "-")|\(text)"
    }
    let whole = Result { try MultipartParser.parse(body: body, boundary: boundary, limits: limits) }
    let lines = whole.map { parts in parts.map { line($0.head, $0.body) } }
    let step = max(1, body.count / 400)
    for cuts in stride(from: 0, through: body.count, by: step).map({ [$0] }) + [Array(0..<body.count)] {
        let pieces = Result {
            var decoder = try MultipartDecoder(boundary: boundary, limits: limits)
            var lines: [String] = []
            var current: (head: MultipartPartHead, bytes: [UInt8])?
            var start = 0
            for end in cuts + [body.count] {
                decoder.append(body[start..<end])
                if end == body.count { decoder.finish() }
                while let event = try decoder.next() {
                    switch event {
                    case .partBegan(let head): current = (head, [])
                    case .partBytes(let bytes): current?.bytes.append(contentsOf: bytes)
                    case .partEnded: if let current { lines.append(line(current.head, current.bytes)) }
                    }
                }
                start = end
            }
            return lines
        }
        switch (lines, pieces) {
        case (.success(let left), .success(let right)): #expect(left == right, "cuts \(cuts)")
        case (.failure(let left), .failure(let right)):
            #expect(left as? MultipartError == right as? MultipartError, "cuts \(cuts)")
        default: Issue.record("whole: \(lines), in pieces \(cuts): \(pieces)")
        }
    }
    return try lines.get()
}

private func part(_ disposition: String, _ body: String, extra: String = "") -> String {
    "--B\r\nContent-Disposition: form-data; \(disposition)\r\n\(extra)\r\n\(body)\r\n"
}

private func error(_ text: String, limits: MultipartLimits = MultipartLimits()) -> MultipartError? {
    do {
        _ = try read(Array(text.utf8), limits: limits)
        return nil
    } catch { return error as? MultipartError }
}

private func lines(_ text: String, limits: MultipartLimits = MultipartLimits()) throws -> [String] {
    try read(Array(text.utf8), limits: limits)
}

@Suite struct MultipartTests {
    @Test func twoParts() throws {
        let text =
            part("name=\"image\"; filename=\"a.jpg\"", "\u{FFD8}", extra: "Content-Type: image/jpeg\r\n")
            + part("name=expression", "the left dog") + "--B--\r\n"
        #expect(try lines(text) == ["image|a.jpg|image/jpeg|\u{FFD8}", "expression|-|-|the left dog"])
    }

    static let shapes: [(String, [String])] = [
        ("--B--", []),
        ("--B--\r\n", []),
        ("preamble\r\n" + part("name=a", "1") + "--B--", ["a|-|-|1"]),
        ("\r\n" + part("name=a", "1") + "--B--", ["a|-|-|1"]),
        (part("name=a", "1") + "--B--\r\nepilogue", ["a|-|-|1"]),
        (part("name=a", "") + "--B--", ["a|-|-|"]),
        // No body at all: the delimiter's CRLF directly behind the head's empty line.
        ("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n--B--", ["a|-|-|"]),
        (part("name=a", "\r\n") + "--B--", ["a|-|-|\r\n"]),
        (part("name=a", "\r\n\r\n--") + "--B--", ["a|-|-|\r\n\r\n--"]),
    ]

    @Test(arguments: shapes) func shape(_ text: String, _ expected: [String]) throws {
        #expect(try lines(text) == expected)
    }

    static let lookalikes = [
        "--B", "\r\n--", "\r\n--C", "\r\n-B", "\r\n--BB", "\r\n--B-", "\r\n--B-x", "\r\n--Bx\r\n", "\n--B\n",
        "\r\r\n--b", "\r\n--B\rx", "\r\n--B x\r\n", "\r\n\r\n--\r\n--\r",
    ]

    /// Data that begins like a delimiter stays data.
    @Test(arguments: lookalikes) func lookalikeIsData(_ data: String) throws {
        let body = "x" + data
        #expect(try lines(part("name=a", body) + "--B--") == ["a|-|-|" + body])
    }

    @Test func paddingBehindADelimiter() throws {
        let text =
            "--B  \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B \r\n"
            + "Content-Disposition: form-data; name=b\r\n\r\n2\r\n--B-- \r\n"
        #expect(try lines(text) == ["a|-|-|1", "b|-|-|2"])
    }

    @Test func binaryDataSurvives() throws {
        let data = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        let head = Array("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n".utf8)
        let parts = try MultipartParser.parse(body: head + data + Array("\r\n--B--".utf8), boundary: "B")
        #expect(parts.count == 1)
        #expect(Array(parts[0].body) == data)
    }

    static let names: [(String, String, String?)] = [
        ("name=\"a b\"", "a b", nil),
        ("name=\"a\\\"b\"", "a\"b", nil),
        ("name=\"a\\\\b\"", "a\\b", nil),
        ("name=\"a\"; filename=\"C:\\dir\\f.png\"", "a", "C:\\dir\\f.png"),
        ("name=\"a;b\"; filename=\"x=\\\"y\\\".png\"", "a;b", "x=\"y\".png"),
        ("name=\"été\"; filename=\"日本.png\"", "été", "日本.png"),
        ("name=a; filename*=UTF-8''%e2%82%ac%20rates.png", "a", "€ rates.png"),
        ("name=a; filename=\"plain.png\"; filename*=utf-8'en'%C3%A9.png", "a", "é.png"),
        ("name=a; filename*=iso-8859-1''%E9.png", "a", "é.png"),
        ("NAME=a; FileName=\"\"", "a", ""),
        ("name=\"\"", "", nil),
        ("name=a;", "a", nil),
    ]

    @Test(arguments: names) func readsNames(_ disposition: String, _ name: String, _ file: String?) throws {
        let text = part(disposition, "1") + "--B--"
        let parts = try MultipartParser.parse(body: Array(text.utf8), boundary: "B")
        #expect(parts.first?.name == name)
        #expect(parts.first?.filename == file)
    }

    static let broken: [(String, MultipartError)] = [
        ("", .missingBoundaryLine),
        ("hello", .missingBoundaryLine),
        ("--", .missingBoundaryLine),
        ("--B", .missingBoundaryLine),
        ("--BB\r\n", .missingBoundaryLine),
        ("--B\r\n", .missingFinalBoundary),
        (part("name=a", "1"), .missingFinalBoundary),
        (part("name=a", "1") + "--B", .missingFinalBoundary),
        (part("name=a", "1") + "--B-", .missingFinalBoundary),
        (part("name=a", "1") + "--B\r\n", .missingFinalBoundary),
        ("--B\r\nContent-Disposition: form-data; name=a\r\n", .missingFinalBoundary),
        ("--B\r\n\r\n1\r\n--B--", .missingDisposition),
        ("--B\r\nContent-Type: text/plain\r\n\r\n1\r\n--B--", .missingDisposition),
        ("--B\r\nContent-Disposition form-data\r\n\r\n1\r\n--B--", .malformedPartHeader),
        ("--B\r\n folded\r\n\r\n1\r\n--B--", .malformedPartHeader),
        ("--B\r\nContent-Disposition: form-data;\n name=a\r\n\r\n1\r\n--B--", .malformedPartHeader),
        ("--B\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--B--", .invalidDisposition),
        (part("name=\"a", "1") + "--B--", .invalidDisposition),
        (part("name=a; name=b", "1") + "--B--", .invalidDisposition),
        (part("name=a b", "1") + "--B--", .invalidDisposition),
        (part("name=a; filename*=UTF-8''%zz", "1") + "--B--", .invalidDisposition),
        (part("name=a; filename*=KOI8-R''x", "1") + "--B--", .invalidDisposition),
        (part("filename=a", "1") + "--B--", .missingName),
        (
            part("name=a", "1", extra: "Content-Transfer-Encoding: base64\r\n") + "--B--",
            .unsupportedTransferEncoding
        ),
    ]

    @Test(arguments: broken) func refuses(_ text: String, _ expected: MultipartError) {
        #expect(error(text) == expected)
    }

    @Test func boundaries() throws {
        func find(_ type: String?) -> Result<String, MultipartError> {
            Result { () throws(MultipartError) in try MultipartBoundary.find(contentType: type) }
        }
        #expect(find("multipart/form-data; boundary=abc") == .success("abc"))
        #expect(find("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\"") == .success("a b:c"))
        let seventy = String(repeating: "b", count: 70)
        #expect(find("multipart/form-data; boundary=\(seventy)") == .success(seventy))
        #expect(find("multipart/form-data; boundary=\(seventy)b") == .failure(.invalidBoundary))
        #expect(find("multipart/form-data; boundary=\"\"") == .failure(.invalidBoundary))
        #expect(find("multipart/form-data; boundary=\"a \"") == .failure(.invalidBoundary))
        #expect(find("multipart/form-data") == .failure(.invalidBoundary))
        #expect(find("multipart/mixed; boundary=a") == .failure(.notMultipart))
        #expect(find("text/plain") == .failure(.notMultipart))
        #expect(find(nil) == .failure(.notMultipart))
    }
}

@Suite struct MultipartLimitTests {
    @Test func parts() throws {
        var limits = MultipartLimits()
        limits.parts = 2
        let two = part("name=a", "1") + part("name=b", "2")
        #expect(try lines(two + "--B--", limits: limits).count == 2)
        #expect(error(two + part("name=c", "3") + "--B--", limits: limits) == .tooManyParts(limit: 2))
    }

    @Test func partHeaderBytes() throws {
        var limits = MultipartLimits()
        let base = "Content-Disposition: form-data; name=a\r\nX: \r\n".utf8.count
        limits.partHeaderBytes = base + 5
        #expect(try lines(part("name=a", "1", extra: "X: 12345\r\n") + "--B--", limits: limits).count == 1)
        let over = part("name=a", "1", extra: "X: 123456\r\n") + "--B--"
        #expect(error(over, limits: limits) == .partHeadersTooLarge(limit: base + 5))
    }

    @Test func partHeaderCount() throws {
        var limits = MultipartLimits()
        limits.partHeaderCount = 2
        #expect(try lines(part("name=a", "1", extra: "X: 1\r\n") + "--B--", limits: limits).count == 1)
        let over = part("name=a", "1", extra: "X: 1\r\nY: 2\r\n") + "--B--"
        #expect(error(over, limits: limits) == .tooManyPartHeaders(limit: 2))
    }

    @Test func preambleAndEpilogue() throws {
        var limits = MultipartLimits()
        limits.preambleBytes = 5
        limits.epilogueBytes = 5
        let body = part("name=a", "1") + "--B--"
        #expect(try lines("12345\r\n" + body + "12345", limits: limits).count == 1)
        #expect(error("123456\r\n" + body, limits: limits) == .preambleTooLong(limit: 5))
        #expect(error(body + "123456", limits: limits) == .epilogueTooLong(limit: 5))
    }

    @Test func padding() throws {
        var limits = MultipartLimits()
        limits.paddingBytes = 3
        let rest = "\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B--"
        #expect(try lines("--B   " + rest, limits: limits).count == 1)
        #expect(try lines("--B    " + rest, limits: limits) == [])
    }
}

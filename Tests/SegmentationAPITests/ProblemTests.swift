import Dispatch
import HTTP1
import Images
import SegmentationAPI
import Testing

@Suite(.timeLimit(.minutes(1))) struct ProblemTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var fields: [(String, String)]
        var picture: [UInt8]? = ServiceFixture.picture
        var status = 422
        var problem: String
        var field: String?
        var testDescription: String { "\(problem) \(field ?? "") \(fields.first?.0 ?? "")" }
    }

    /// As many code points as are taken, more bytes.
    static let long = String(repeating: "猫", count: 512)
    static let rows: [Row] = [
        Row(fields: [], problem: "no-expression", field: "expression"),
        Row(fields: [("expression", "")], problem: "blank-expression", field: "expression"),
        Row(fields: [("expression", " \t\r\n\u{3000}")], problem: "blank-expression", field: "expression"),
        Row(fields: [("expression", long + "b")], problem: "expression-too-long", field: "expression"),
        Row(
            fields: Array(repeating: ("expression", "red"), count: 33), problem: "too-many-expressions",
            field: "expression"),
        Row(fields: [("expression", "red"), ("threshold", "0")], problem: "bad-value", field: "threshold"),
        Row(fields: [("expression", "red"), ("threshold", "1")], problem: "bad-value", field: "threshold"),
        Row(fields: [("expression", "red"), ("threshold", "nan")], problem: "bad-value", field: "threshold"),
        Row(
            fields: [("expression", "red"), ("threshold", "0x1p-1")], problem: "bad-value", field: "threshold"
        ),
        Row(fields: [("expression", "red"), ("threshold", "")], problem: "bad-value", field: "threshold"),
        Row(fields: [("expression", "red"), ("format", "gif")], problem: "bad-value", field: "format"),
        Row(fields: [("expression", "red"), ("format", "png,none")], problem: "bad-value", field: "format"),
        Row(fields: [("expression", "red"), ("format", "")], problem: "bad-value", field: "format"),
        Row(fields: [("expression", "red"), ("mode", "fast")], problem: "bad-value", field: "mode"),
        Row(
            fields: [("expression", "red"), ("deadline_ms", "0")], problem: "bad-value", field: "deadline_ms"),
        Row(
            fields: [("expression", "red"), ("deadline_ms", "1.5")], problem: "bad-value",
            field: "deadline_ms"),
        Row(fields: [("expression", "red"), ("union", "yes")], problem: "bad-value", field: "union"),
        Row(fields: [("expression", "red"), ("url", "http://x")], problem: "unknown-field", field: "url"),
        Row(
            fields: [("expression", "red"), ("mode", "packed"), ("mode", "packed")],
            problem: "repeated-field",
            field: "mode"),
        Row(fields: [("expression", "red")], picture: nil, problem: "no-image", field: "image"),
        Row(fields: [("expression", "red")], picture: [], problem: "no-image", field: "image"),
        Row(
            fields: [("expression", "red"), ("image_id", "x")], picture: nil, problem: "bad-value",
            field: "image_id"),
        Row(
            fields: [("expression", "red"), ("image_id", String(repeating: "0", count: 64))], picture: nil,
            status: 404, problem: "image-unknown"),
        Row(
            fields: [("expression", "red")], picture: Array("GIF89a..".utf8), status: 415,
            problem: "unsupported-image"),
        Row(
            fields: [("expression", "red")], picture: Array("hello".utf8), status: 415,
            problem: "unsupported-image"),
        Row(
            fields: [("expression", "red")], picture: Array(ServiceFixture.picture.dropLast(20)),
            problem: "broken-image"),
        Row(fields: [("expression", "break")], status: 500, problem: "model-error"),
    ]

    @Test(arguments: rows) func aFormThatIsWrong(row: Row) async {
        let fixture = await ServiceFixture()
        let answer = await fixture.form(row.fields, picture: row.picture)
        #expect(answer.status == row.status, "\(answer.text)")
        #expect(answer.problem == row.problem)
        #expect(answer.json["field"]?.string == row.field)
        #expect(answer.headers["Content-Type"] == "application/problem+json")
        #expect(answer.json["error"] == answer.json["detail"])
        #expect(answer.json["status"] == JSONValue(row.status))
        #expect(answer.json["title"]?.string?.isEmpty == false)
        #expect(answer.json["instance"]?.string == "urn:request:\(answer.headers["X-Request-ID"] ?? "")")
        #expect(fixture.engine.status.waiting == 0)
    }

    @Test func limitsAreTakenAtN() async {
        let fixture = await ServiceFixture()
        #expect(await fixture.form([("expression", Self.long)]).status == 200)
        #expect(await fixture.form(Array(repeating: ("expression", "red"), count: 32)).status == 200)
    }

    @Test func picturesBeyondTheLimits() async {
        let small = await ServiceFixture { $0.image.maximumPixels = 15 }
        #expect(await small.form([("expression", "red")]).status == 200)
        let smaller = await ServiceFixture { $0.image.maximumPixels = 14 }
        let answer = await smaller.form([("expression", "red")])
        #expect(answer.status == 413)
        #expect(answer.problem == "image-too-large")
    }

    @Test(arguments: [
        ("{", 400, "malformed-json"), ("[]", 422, "bad-value"),
        ("{\"expressions\":[1],\"image\":\"\"}", 422, "bad-value"),
        ("{\"expressions\":\"a\"}", 422, "bad-value"), ("{\"image\":1}", 422, "bad-value"),
        ("{\"image\":\"!\"}", 422, "not-base64"), ("{\"image\":\"\",\"expression\":\"a\"}", 422, "no-image"),
        ("{\"mode\":null}", 422, "bad-value"), ("{\"nope\":null}", 422, "unknown-field"),
        ("", 400, "malformed"), ("{\"threshold\":\"0.5\"}", 422, "bad-value"),
        ("{\"threshold\":true}", 422, "bad-value"), ("{\"deadline_ms\":[]}", 422, "bad-value"),
        ("{\"union\":\"true\"}", 422, "bad-value"), ("{\"expression\":5}", 422, "bad-value"),
        ("{\"mode\":1}", 422, "bad-value"), ("{\"image\":\"http://a/b.png\"}", 422, "not-base64"),
        ("{\"expression\":\"a\",\"expressions\":[]}", 422, "no-expression"),
        ("{\"a\":1,\"a\":2}", 400, "malformed-json"),
    ])
    func jsonThatIsWrong(body: String, status: Int, problem: String) async {
        let fixture = await ServiceFixture()
        let answer = await fixture.send(
            "POST", "/segment", headers: ["Content-Type": "application/json"], body: Array(body.utf8))
        #expect(answer.status == status, "\(answer.text)")
        #expect(answer.problem == problem)
    }

    @Test func contentTypesAndForms() async {
        let fixture = await ServiceFixture()
        for type in ["text/plain", "application/x-www-form-urlencoded", "nonsense"] {
            let answer = await fixture.send("POST", "/segment", headers: ["Content-Type": type], body: [1])
            #expect(answer.status == 415)
            #expect(answer.problem == "unsupported-content-type")
        }
        for type in ["multipart/form-data", "multipart/form-data; boundary=YY"] {
            let answer = await fixture.send(
                "POST", "/segment", headers: ["Content-Type": type], body: Array("--XX\r\n".utf8))
            #expect(answer.status == 400)
            #expect(answer.problem == "malformed-form")
        }
        let refused = await fixture.form([("expression", "red")], accept: "text/html")
        #expect(refused.status == 406)
        let badText = await fixture.send(
            "POST", "/segment", headers: ["Content-Type": "multipart/form-data; boundary=X"],
            body: Array("--X\r\nContent-Disposition: form-data; name=\"expression\"\r\n\r\n".utf8) + [0xFF]
                + Array("\r\n--X--\r\n".utf8))
        #expect(badText.status == 422)
        #expect(badText.json["field"] == "expression")
    }

    /// "hello" packed by Python's gzip and zlib modules.
    static let packed: [(String, [UInt8])] = [
        (
            "gzip",
            [31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 203, 72, 205, 201, 201, 7, 0, 134, 166, 16, 54, 5, 0, 0, 0]
        ),
        ("deflate", [120, 156, 203, 72, 205, 201, 201, 7, 0, 6, 44, 2, 21]),
    ]

    @Test(arguments: packed) func packedBodies(coding: String, bytes: [UInt8]) async {
        let fixture = await ServiceFixture { $0.bodyBytes = 5 }
        func send(_ bytes: [UInt8], _ fixture: ServiceFixture) async -> Answer {
            await fixture.send(
                "POST", "/segment", query: [("expression", "red")], headers: ["Content-Encoding": coding],
                body: bytes)
        }
        // "hello" is no picture: it has been unpacked.
        #expect(await send(bytes, fixture).problem == "unsupported-image")
        for length in 0..<bytes.count {
            #expect(await send(Array(bytes[..<length]), fixture).problem == "malformed", "\(length)")
        }
        #expect(await send(bytes + [0], fixture).problem == "malformed")
        let smaller = await ServiceFixture { $0.bodyBytes = 4 }
        let large = await send(bytes, smaller)
        #expect(large.status == 413 && large.problem == "body-too-large")
    }

    @Test func unknownCodingsAre415() async {
        let fixture = await ServiceFixture()
        for coding in ["br", "gzip, gzip", "zstd", "x"] {
            let answer = await fixture.send("POST", "/segment", headers: ["Content-Encoding": coding])
            #expect(answer.status == 415)
            #expect(answer.problem == "unsupported-content-encoding")
        }
    }

    @Test func pathsAndMethods() async {
        let fixture = await ServiceFixture()
        #expect(await fixture.send("GET", "/nowhere").problem == "not-found")
        let wrong = await fixture.send("GET", "/segment")
        #expect(wrong.status == 405)
        #expect(wrong.headers["Allow"] == "POST, OPTIONS")
        let unknown = await fixture.send("BREW", "/segment")
        #expect(unknown.status == 405)
        #expect(unknown.headers["Allow"] == "POST, OPTIONS")
        let options = await fixture.send("OPTIONS", "/segment")
        #expect(options.status == 204)
        #expect(options.headers["Allow"] == "POST, OPTIONS")
    }

    @Test func aFullQueueIs429BeforeAndAfterTheBody() async throws {
        let gate = DispatchSemaphore(value: 0)
        let fixture = await ServiceFixture(gate: gate, capacity: 1)
        async let running = fixture.form([("expression", "red")])
        while fixture.engine.status.running == 0 { await Task.yield() }
        async let waiting = fixture.form([("expression", "red")])
        while fixture.engine.status.waiting == 0 { await Task.yield() }
        let refused = await fixture.form([("expression", "red")])
        #expect(refused.status == 429)
        #expect(refused.problem == "queue-full")
        #expect(refused.json["detail"] == "queue 1/1")
        #expect(
            refused.json["retry_after_seconds"]?.integer == refused.headers["Retry-After"].flatMap { Int($0) }
        )
        let head = HTTPRequestHead(method: "POST", target: "/segment", path: "/segment")
        guard case .refuse(let early) = fixture.service.admit(head) else {
            Issue.record("a body would be read in vain")
            return
        }
        #expect(early.status == 429)
        gate.signal()
        gate.signal()
        #expect(await running.status == 200)
        #expect(await waiting.status == 200)
    }

    @Test func aPassedDeadlineIs504() async {
        let gate = DispatchSemaphore(value: 0)
        let fixture = await ServiceFixture(gate: gate)
        let answer = await fixture.form([("expression", "red"), ("deadline_ms", "30")])
        #expect(answer.status == 504)
        #expect(answer.problem == "deadline-exceeded")
        gate.signal()
    }

    @Test func theServersOwnTimeoutHoldsToo() async {
        let gate = DispatchSemaphore(value: 0)
        let fixture = await ServiceFixture(gate: gate) { $0.requestTimeout = .milliseconds(30) }
        #expect(await fixture.form([("expression", "red"), ("deadline_ms", "3600000")]).status == 504)
        gate.signal()
    }

    @Test func refusalsOfTheServerHaveTheSameForm() async {
        let fixture = await ServiceFixture()
        let answer = await Answer(fixture.service.refusal(status: 431, detail: "too many header bytes"))
        #expect(answer.status == 431)
        #expect(answer.json["detail"] == "too many header bytes")
        #expect(answer.json["error"] == "too many header bytes")
        #expect(answer.headers["X-Request-ID"] != nil)
    }
}

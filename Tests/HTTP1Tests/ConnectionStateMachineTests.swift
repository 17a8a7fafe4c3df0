import HTTP1
import Testing

/// A machine with a scripted handler: what was sent, and what was asked, in order.
struct ScriptedConnection {
    var machine: ConnectionStateMachine
    var now: UInt64 = 0
    var log: [String] = []
    var maximumBodyBytes = 1000
    var refusal: HTTPResponse?
    /// Answers at once when set; otherwise the test answers.
    var answer: HTTPResponse? = HTTPResponse(status: 200, body: .bytes(Array("ok".utf8)))
    /// Pretends that the socket takes everything at once.
    var flushes = true

    init(limits: HTTPLimits = HTTPLimits(), timeouts: HTTPTimeouts = HTTPTimeouts()) {
        machine = ConnectionStateMachine(limits: limits, timeouts: timeouts, now: 0)
    }

    mutating func receive(_ text: String) {
        machine.received(Array(text.utf8).span, now: now)
        run()
    }

    mutating func pass(seconds: UInt64) {
        now += seconds * 1_000_000_000
        machine.timerFired(now: now)
        run()
    }

    mutating func respond(_ response: HTTPResponse) {
        machine.respond(response, date: "D", now: now)
        run()
    }

    mutating func run() {
        while let action = machine.nextAction() {
            switch action {
            case .admit(let head):
                log.append("admit \(head.method) \(head.path)")
                if let refusal {
                    machine.respond(refusal, date: "D", now: now)
                } else {
                    machine.admitted(maximumBodyBytes: maximumBodyBytes, now: now)
                }
            case .deliver(let head, let body):
                log.append("deliver \(head.path) \(String(decoding: body, as: UTF8.self))")
                if let answer { machine.respond(answer, date: "D", now: now) }
            case .refuse(let fault):
                log.append("refuse \(fault.status)")
                machine.respond(HTTPResponse(status: fault.status), date: "D", now: now)
            case .send(let bytes):
                let text = String(decoding: bytes, as: UTF8.self)
                let lines = text.split(separator: "\r\n", omittingEmptySubsequences: true)
                let closes = text.contains("Connection: close") ? " close" : ""
                log.append("send " + (lines.first.map(String.init) ?? "") + closes)
                if flushes { machine.flushed(now: now) }
            case .cancelHandler: log.append("cancel")
            case .shutdownWrite: log.append("shutdown")
            case .close: log.append("close")
            }
        }
    }

    mutating func flush() {
        machine.flushed(now: now)
        run()
    }
}

let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

@Suite struct ConnectionStateMachineTests {
    @Test func oneRequestThenAnother() {
        var connection = ScriptedConnection()
        connection.receive(get)
        connection.receive(get)
        let once = ["admit GET /a", "deliver /a ", "send HTTP/1.1 200 OK"]
        #expect(connection.log == once + once)
        #expect(connection.machine.isIdle)
    }

    @Test func everyCutGivesTheSame() {
        let text =
            "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
            + "POST /q HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n" + get
        var whole = ScriptedConnection()
        whole.receive(text)
        #expect(
            whole.log.filter { $0.hasPrefix("deliver") } == [
                "deliver /p abc", "deliver /q de", "deliver /a ",
            ])
        let bytes = Array(text.utf8)
        for cut in 1..<bytes.count {
            var pieces = ScriptedConnection()
            pieces.receive(String(decoding: bytes[..<cut], as: UTF8.self))
            pieces.receive(String(decoding: bytes[cut...], as: UTF8.self))
            #expect(pieces.log == whole.log, "cut at \(cut)")
        }
    }

    @Test func pipelinedRequestsWaitForTheirTurn() {
        var connection = ScriptedConnection()
        connection.answer = nil
        connection.receive(get + get.replacing("/a", with: "/b"))
        #expect(connection.log == ["admit GET /a", "deliver /a "])
        connection.respond(HTTPResponse(status: 204))
        #expect(connection.log.suffix(3) == ["send HTTP/1.1 204 No Content", "admit GET /b", "deliver /b "])
    }

    @Test func aSlowReaderHoldsBackTheNextRequest() {
        var connection = ScriptedConnection()
        connection.flushes = false
        connection.receive(get + get)
        #expect(connection.log.count == 3)
        connection.flush()
        #expect(connection.log.count == 6)
    }

    @Test func pipelineIsBounded() {
        var limits = HTTPLimits()
        limits.pipelinedBytes = get.utf8.count * 2
        var connection = ScriptedConnection(limits: limits)
        connection.answer = nil
        connection.receive(get)
        connection.receive(get)
        #expect(connection.machine.wantsInput)
        connection.receive(get)
        #expect(!connection.machine.wantsInput)
        connection.respond(HTTPResponse(status: 200))
        #expect(connection.machine.wantsInput)
    }

    @Test func expectContinue() {
        let head = "PUT /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        var connection = ScriptedConnection()
        connection.receive(head)
        #expect(connection.log == ["admit PUT /p", "send HTTP/1.1 100 Continue"])
        connection.receive("abc")
        #expect(connection.log.suffix(2) == ["deliver /p abc", "send HTTP/1.1 200 OK"])

        var early = ScriptedConnection()
        early.receive(head + "abc")
        #expect(early.log == ["admit PUT /p", "deliver /p abc", "send HTTP/1.1 200 OK"])

        var refused = ScriptedConnection()
        refused.refusal = HTTPResponse(status: 401)
        refused.receive(head)
        #expect(refused.log == ["admit PUT /p", "send HTTP/1.1 401 Unauthorized close", "shutdown"])

        var large = ScriptedConnection()
        large.maximumBodyBytes = 2
        large.receive(head)
        #expect(
            large.log == [
                "admit PUT /p", "refuse 413", "send HTTP/1.1 413 Content Too Large close", "shutdown",
            ])
    }

    @Test func bodyLimitIsTheSmallerOne() {
        var limits = HTTPLimits()
        limits.bodyBytes = 3
        for (length, expected) in [(3, "deliver /p abc"), (4, "refuse 413")] {
            var connection = ScriptedConnection(limits: limits)
            connection.receive("PUT /p HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\r\nabc")
            #expect(connection.log[1] == expected)
        }
    }

    @Test func refusalWithoutABodyKeepsTheConnection() {
        var connection = ScriptedConnection()
        connection.refusal = HTTPResponse(status: 404)
        connection.receive(get + get)
        #expect(connection.log.filter { $0 == "send HTTP/1.1 404 Not Found" }.count == 2)
    }

    @Test func nothingBehindAFaultIsRead() {
        var connection = ScriptedConnection()
        connection.receive(
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n" + get)
        connection.receive(get)
        #expect(connection.log == ["refuse 400", "send HTTP/1.1 400 Bad Request close", "shutdown"])
        connection.machine.peerClosed(now: 0)
        connection.run()
        #expect(connection.log.last == "close")
    }

    @Test func clientClosesAreHonoured() {
        var connection = ScriptedConnection()
        connection.receive("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + get)
        #expect(
            connection.log == ["admit GET /a", "deliver /a ", "send HTTP/1.1 200 OK close", "shutdown"])
    }

    @Test func leavingClientCancelsTheHandler() {
        var connection = ScriptedConnection()
        connection.answer = nil
        connection.receive(get)
        connection.machine.peerClosed(now: 0)
        connection.run()
        #expect(connection.log.last == "cancel")
        // It may have closed only its sending side: the answer still goes out.
        connection.respond(HTTPResponse(status: 200))
        #expect(connection.log.suffix(2) == ["send HTTP/1.1 200 OK close", "close"])
    }

    @Test func aStreamForAClientThatHasLeftIsCancelled() {
        let (stream, _) = AsyncStream<[UInt8]>.makeStream()
        var connection = ScriptedConnection()
        connection.answer = nil
        connection.receive(get)
        connection.machine.peerClosed(now: 0)
        connection.run()
        connection.respond(HTTPResponse(status: 200, body: .stream(stream)))
        #expect(connection.log.suffix(3) == ["cancel", "send HTTP/1.1 200 OK close", "cancel"])
    }

    @Test func brokenConnectionCancelsAndCloses() {
        var connection = ScriptedConnection()
        connection.answer = nil
        connection.receive(get)
        connection.machine.failed()
        connection.run()
        #expect(connection.log.suffix(2) == ["cancel", "close"])
        connection.respond(HTTPResponse(status: 200))
        #expect(connection.log.last == "close")
        #expect(connection.machine.deadline == nil)
    }

    @Test(arguments: ["GET / HT", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"])
    func abortedRequestIsRefused(_ text: String) {
        var connection = ScriptedConnection()
        connection.receive(text)
        connection.machine.peerClosed(now: 0)
        connection.run()
        #expect(connection.log.suffix(3) == ["refuse 400", "send HTTP/1.1 400 Bad Request close", "close"])
    }

    @Test func headRequestsAndBodilessCodes() {
        var connection = ScriptedConnection()
        connection.receive("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(connection.log.last == "send HTTP/1.1 200 OK")
        var machine = ConnectionStateMachine(now: 0)
        machine.received(Array("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n".utf8).span, now: 0)
        _ = machine.nextAction()
        machine.admitted(maximumBodyBytes: 0, now: 0)
        _ = machine.nextAction()
        machine.respond(HTTPResponse(status: 200, body: .bytes(Array("hello".utf8))), date: "D", now: 0)
        guard case .send(let bytes) = machine.nextAction() else {
            Issue.record("nothing sent")
            return
        }
        #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("Content-Length: 5\r\n\r\n"))
    }

    @Test func streams() {
        let (stream, _) = AsyncStream<[UInt8]>.makeStream()
        let response = HTTPResponse(status: 200, body: .stream(stream))
        var connection = ScriptedConnection()
        connection.answer = response
        connection.receive(get)
        connection.machine.stream(Array("hello".utf8), now: 0)
        connection.machine.stream([], now: 0)
        connection.machine.endStream(now: 0)
        connection.run()
        #expect(connection.log.suffix(2) == ["send 5", "send 0"])
        #expect(connection.machine.isIdle)

        var old = ScriptedConnection()
        old.answer = response
        old.receive("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        old.machine.stream(Array("hello".utf8), now: 0)
        old.machine.endStream(now: 0)
        old.run()
        #expect(old.log.suffix(4) == ["send HTTP/1.1 200 OK close", "send hello", "send ", "shutdown"])
    }
}

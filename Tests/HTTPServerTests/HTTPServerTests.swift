import Glibc
import HTTP1
import HTTPServer
import Logging
import Synchronization
import Testing

let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

@Suite struct HTTPServerTests {
    @Test func answersAndKeepsTheConnection() async throws {
        try await withServer { port, _ in
            let client = try LoopbackClient(port: port)
            for body in ["hello", "", "again"] {
                let text =
                    "POST /b%20c HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                let response = try #require(client.exchange(text))
                #expect(response.status == 200)
                #expect(response.text == body)
                #expect(response.head.contains("X-Path: /b c"))
                #expect(response.head.contains("\r\nDate: "))
                #expect(!response.closes)
            }
        }
    }

    @Test func oneByteAtATime() async throws {
        try await withServer { port, _ in
            let client = try LoopbackClient(port: port)
            let text =
                "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            for byte in text.utf8 { client.send([byte]) }
            #expect(client.response()?.text == "abc")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await withServer { port, _ in
            let client = try LoopbackClient(port: port)
            let count = 200
            client.send((0..<count).map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined())
            for index in 0..<count {
                let response = try #require(client.response())
                #expect(response.head.contains("X-Path: /\(index)\r\n"))
            }
        }
    }

    @Test func halfClosedClientsGetTheirAnswer() async throws {
        try await withServer { port, _ in
            let client = try LoopbackClient(port: port)
            client.send(get)
            client.finishSending()
            #expect(client.receiveAll().hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test func expectContinue() async throws {
        try await withServer { port, _ in
            let head = " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n"
            let client = try LoopbackClient(port: port)
            #expect(client.exchange("PUT /a" + head)?.status == 100)
            #expect(client.exchange("01234567890123456789")?.text == "01234567890123456789")
            for (path, status) in [("/refused", 401), ("/small", 413)] {
                let refused = try LoopbackClient(port: port)
                let response = try #require(refused.exchange("PUT \(path)" + head))
                #expect(response.status == status && response.closes)
                refused.finishSending()
                #expect(refused.isClosed())
            }
        }
    }

    /// The answer has to survive although the client is still sending what nobody reads.
    @Test func refusalReachesAClientThatIsStillSending() async throws {
        try await withServer { port, _ in
            let client = try LoopbackClient(port: port)
            client.send("PUT /small HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n")
            client.send([UInt8](repeating: 0, count: 8_000_000))
            #expect(client.response()?.status == 413)
        }
    }

    @Test func streamsAndLargeBodies() async throws {
        try await withServer { port, _ in
            let client = try LoopbackClient(port: port)
            let streamed = try #require(client.exchange("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"))
            #expect(streamed.head.contains("Transfer-Encoding: chunked"))
            #expect(streamed.text == "3\r\none\r\n3\r\ntwo\r\n")
            client.send("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.response(toHEAD: true)?.status == 200)
            #expect(client.exchange("GET /large HTTP/1.1\r\nHost: h\r\n\r\n")?.body.count == 4 << 20)
            client.send("HEAD /large HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.response(toHEAD: true)?.head.contains("Content-Length: 4194304") == true)
            let old = try LoopbackClient(port: port)
            old.send("GET /stream HTTP/1.0\r\n\r\n")
            #expect(old.receiveAll().hasSuffix("\r\n\r\nonetwo"))
        }
    }

    /// A client that half-closes cancels the stream; what it gets must not look like the whole.
    @Test func aCancelledStreamIsCut() async throws {
        let handler = TestHandler()
        try await withServer(handler) { port, _ in
            let client = try LoopbackClient(port: port)
            client.send("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(eventually { handler.started.withLock { $0 } == 1 })
            client.finishSending()
            let answer = client.receiveAll()
            #expect(answer.contains("Transfer-Encoding: chunked"))
            #expect(!answer.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test func immediateAnswersNeedNoTask() async throws {
        let handler = TestHandler()
        try await withServer(handler) { port, _ in
            let client = try LoopbackClient(port: port)
            #expect(client.exchange("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")?.text == "live")
            #expect(handler.served.withLock { $0 } == 0)
        }
    }

    @Test(arguments: [false, true]) func leavingClientsCancelTheirHandler(reset: Bool) async throws {
        let handler = TestHandler()
        try await withServer(handler) { port, _ in
            let client = try LoopbackClient(port: port)
            client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(eventually { handler.started.withLock { $0 } == 1 })
            if reset { client.resetConnection() } else { client.finishSending() }
            #expect(eventually { handler.cancelled.withLock { $0 } == 1 })
        }
    }

    @Test func everyKindOfAddress() async throws {
        let path = "/tmp/mllmseg-http-\(getpid()).socket"
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(addresses: [
                .tcp(host: "127.0.0.1", port: 0), .tcp(host: "::1", port: 0), .unix(path: path),
            ]), handler: TestHandler(), logger: Logger(label: "test"))
        guard (try? server.start()) != nil else {
            print("skipped: this machine has no IPv6")
            return
        }
        let status = await onOwnThread { try? LoopbackClient(path: path).exchange(get)?.status }
        #expect(status == 200)
        let addresses = server.boundAddresses
        #expect(addresses.count == 3)
        #expect(addresses[0] == "127.0.0.1:\(server.boundPort ?? 0)")
        #expect(addresses[1].hasPrefix("[::1]:") && addresses[1] != "[::1]:0")
        #expect(addresses[2] == "unix:" + path)
        await server.shutDown(timeout: .zero)
        #expect(access(path, F_OK) != 0)
    }

    @Test func aTakenPortIsOneClearError() async throws {
        try await withServer { port, _ in
            let second = HTTPServer(
                configuration: HTTPServerConfiguration(addresses: [.tcp(host: "127.0.0.1", port: port)]),
                handler: TestHandler(), logger: Logger(label: "test"))
            #expect(throws: HTTPServerError.addressInUse(address: "127.0.0.1:\(port)")) { try second.start() }
            #expect(throws: HTTPServerError.alreadyStarted) { try second.start() }
        }
        let refused = HTTPServer(
            configuration: HTTPServerConfiguration(addresses: [.tcp(host: "no.such.host.invalid", port: 1)]),
            handler: TestHandler(), logger: Logger(label: "test"))
        #expect(throws: HTTPServerError.self) { try refused.start() }
    }

    @Test func anAbandonedSocketFileIsReplaced() async throws {
        let path = "/tmp/mllmseg-stale-\(getpid()).socket"
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(descriptor)
        try await withServer(configure: { $0.addresses = [.unix(path: path)] }) { _, _ in
            let client = try LoopbackClient(path: path)
            #expect(client.exchange(get)?.status == 200)
            let second = HTTPServer(
                configuration: HTTPServerConfiguration(addresses: [.unix(path: path)]),
                handler: TestHandler(),
                logger: Logger(label: "test"))
            #expect(throws: HTTPServerError.addressInUse(address: "unix:" + path)) { try second.start() }
        }
    }

    @Test func accessRecords() async throws {
        let records = AccessLog()
        let handler = TestHandler()
        try await withServer(
            handler, configure: { $0.onAccess = { records.append($0) } },
            { port, _ in
                let client = try LoopbackClient(port: port)
                _ = client.exchange("POST /a?secret HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
                _ = client.exchange("bad\r\n")
                #expect(eventually { records.all.count == 2 })
                let gone = try LoopbackClient(port: port)
                gone.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(eventually { handler.started.withLock { $0 } == 2 })
                gone.resetConnection()
                #expect(eventually { records.all.count == 3 })
            })
        let all = records.all
        #expect(all[0].method == "POST" && all[0].path == "/a" && all[0].status == 200)
        #expect(all[0].requestBytes == 2 && all[0].responseBytes > 50 && all[0].requestID == "r1")
        #expect(all[0].isComplete && all[0].totalNanoseconds > 0)
        #expect(all[0].remoteAddress.hasPrefix("127.0.0.1:"))
        #expect(all[1].method == nil && all[1].status == 400)
        #expect(all[2].path == "/wait" && !all[2].isComplete)
    }
}

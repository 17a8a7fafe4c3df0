import Glibc
import HTTP1
import HTTPServer
import Testing

@Suite struct SlowClientTests {
    private static let quick: UInt64 = 200_000_000

    /// A machine that is busy with other tests may sleep through the whole deadline before it has read a byte,
    /// and then closes without a word, as it does with the silent: the next attempt tells.
    @Test(arguments: ["GET / HT", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"])
    func slowHeadsAndBodiesGet408(_ text: String) async throws {
        try await withServer(configure: {
            $0.timeouts.headNanoseconds = Self.quick
            $0.timeouts.bodyGraceNanoseconds = Self.quick
        }) { port, _ in
            let clock = ContinuousClock()
            for _ in 0..<20 {
                let start = clock.now
                let client = try LoopbackClient(port: port)
                client.send(text)
                guard let response = client.response() else { continue }
                #expect(response.status == 408 && response.closes)
                #expect(start.duration(to: clock.now) >= .nanoseconds(Int64(Self.quick)))
                #expect(client.isClosed())
                return
            }
            Issue.record("never answered")
        }
    }

    @Test func silentConnectionsAreClosed() async throws {
        try await withServer(configure: { $0.timeouts.headNanoseconds = Self.quick }) { port, _ in
            let silent = try LoopbackClient(port: port)
            #expect(silent.isClosed())
        }
    }

    @Test func idleConnectionsAreClosed() async throws {
        try await withServer(configure: { $0.timeouts.idleNanoseconds = Self.quick }) { port, _ in
            let kept = try LoopbackClient(port: port)
            #expect(kept.exchange(get)?.status == 200)
            #expect(kept.isClosed())
        }
    }

    @Test func aReaderThatStopsIsDropped() async throws {
        let records = AccessLog()
        try await withServer(configure: {
            $0.timeouts.writeGraceNanoseconds = Self.quick
            $0.onAccess = { records.append($0) }
        }) { port, _ in
            let client = try LoopbackClient(port: port)
            for _ in 0..<8 { client.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n") }
            #expect(eventually { records.all.contains { !$0.isComplete } })
            // What the kernel held comes through, then the connection ends before all eight answers.
            let bytes = client.receiveAll().utf8.count
            #expect(bytes < 8 * 4 << 20)
        }
    }

    /// Hundreds of clients that never finish their head don't keep a prober waiting until their deadline. How
    /// little they cost it is measured by Tests/Reliability.
    @Test func probesStayQuickBesideSlowClients() async throws {
        try await withServer { port, _ in
            let slow = try (0..<300).map { _ in try LoopbackClient(port: port) }
            for client in slow { client.send("GET / HTTP/1.1\r\nX: y") }
            let prober = try LoopbackClient(port: port)
            let clock = ContinuousClock()
            let start = clock.now
            for _ in 0..<50 {
                #expect(prober.exchange("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 200)
            }
            #expect(start.duration(to: clock.now) < .nanoseconds(Int64(HTTPTimeouts().headNanoseconds)))
            withExtendedLifetime(slow) {}
        }
    }

    @Test func fiveHundredIdleConnectionsAreAllReusable() async throws {
        try await withServer { port, _ in
            let clients = try (0..<500).map { _ in try LoopbackClient(port: port) }
            for _ in 0..<2 {
                for client in clients { client.send(get) }
                for client in clients { #expect(client.response()?.status == 200) }
            }
        }
    }

    @Test func connectionCap() async throws {
        let handler = TestHandler()
        try await withServer(handler, configure: { $0.maximumConnections = 3 }) { port, _ in
            let busy = try (0..<3).map { _ in try LoopbackClient(port: port) }
            for client in busy { client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n") }
            #expect(eventually { handler.started.withLock { $0 } == 3 })
            let late = try LoopbackClient(port: port)
            let response = late.response()
            #expect(response?.status == 503 && response?.closes == true)
            // Without this they may be closed as soon as nobody uses them any more.
            withExtendedLifetime(busy) {}
        }
        // An idle connection makes room for a new one.
        try await withServer(configure: { $0.maximumConnections = 2 }) { port, _ in
            let clients = try (0..<2).map { _ in try LoopbackClient(port: port) }
            for client in clients { #expect(client.exchange(get)?.status == 200) }
            let third = try LoopbackClient(port: port)
            #expect(third.exchange(get)?.status == 200)
            #expect(clients[0].isClosed())
            #expect(clients[1].exchange(get)?.status == 200)
        }
    }
}

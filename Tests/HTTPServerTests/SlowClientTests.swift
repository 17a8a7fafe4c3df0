import Glibc
import HTTP1
import HTTPServer
import Testing

@Suite struct SlowClientTests {
    private func quick(_ configuration: inout HTTPServerConfiguration) {
        configuration.timeouts.headNanoseconds = 200_000_000
        configuration.timeouts.bodyGraceNanoseconds = 200_000_000
        configuration.timeouts.idleNanoseconds = 200_000_000
        configuration.timeouts.writeGraceNanoseconds = 200_000_000
        configuration.timeouts.lingerNanoseconds = 200_000_000
    }

    @Test func slowHeadsAndBodiesGet408() async throws {
        try await withServer(configure: quick) { port, _ in
            for text in ["GET / HT", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"] {
                let client = try LoopbackClient(port: port)
                client.send(text)
                let response = client.response()
                #expect(response?.status == 408 && response?.closes == true)
                #expect(client.isClosed())
            }
        }
    }

    @Test func idleConnectionsAreClosed() async throws {
        try await withServer(configure: quick) { port, _ in
            let silent = try LoopbackClient(port: port)
            let kept = try LoopbackClient(port: port)
            #expect(kept.exchange(get)?.status == 200)
            #expect(silent.isClosed())
            #expect(kept.isClosed())
        }
    }

    @Test func aReaderThatStopsIsDropped() async throws {
        try await withServer(configure: quick) { port, _ in
            let client = try LoopbackClient(port: port)
            for _ in 0..<8 { client.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n") }
            pause(milliseconds: 2000)
            // What the kernel held comes through, then the connection ends before all eight answers.
            let bytes = client.receiveAll().utf8.count
            #expect(bytes < 8 * 4 << 20)
        }
    }

    /// A thousand clients that never finish their head don't keep a prober waiting.
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
            #expect(start.duration(to: clock.now) < .seconds(1))
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
        try await withServer(configure: { $0.maximumConnections = 3 }) { port, _ in
            let busy = try (0..<3).map { _ in try LoopbackClient(port: port) }
            for client in busy { client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n") }
            pause(milliseconds: 100)
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

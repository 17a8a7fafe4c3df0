import Dispatch
import HTTP1
import HTTPServer
import Testing

@Suite struct DrainTests {
    @Test func acceptedRequestsAreAnswered() async throws {
        let handler = TestHandler(wait: .milliseconds(1500))
        try await withServer(handler) { port, server in
            let idle = try LoopbackClient(port: port)
            #expect(idle.exchange(get)?.closes == false)
            let busy = try (0..<16).map { _ in try LoopbackClient(port: port) }
            for client in busy { client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n") }
            #expect(eventually { handler.started.withLock { $0 } == 1 + busy.count })
            let clock = ContinuousClock()
            let start = clock.now
            let drained = DispatchSemaphore(value: 0)
            Task {
                await server.shutDown(timeout: .seconds(60))
                drained.signal()
            }
            #expect(idle.isClosed())
            for client in busy {
                let response = client.response()
                #expect(response?.text == "waited")
                #expect(response?.closes == true)
                client.finishSending()
            }
            drained.wait()
            // Long before the timeout, however busy the machine: nothing waits for it.
            #expect(start.duration(to: clock.now) < .seconds(30))
            #expect(throws: LoopbackClient.Failure.self) { try LoopbackClient(port: port) }
        }
        #expect(handler.cancelled.withLock { $0 } == 0)
    }

    @Test func theTimeoutCutsOff() async throws {
        let handler = TestHandler()
        try await withServer(handler) { port, server in
            let client = try LoopbackClient(port: port)
            client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(eventually { handler.started.withLock { $0 } == 1 })
            Task { await server.shutDown(timeout: .milliseconds(100)) }
            #expect(client.isClosed())
            #expect(eventually { handler.cancelled.withLock { $0 } == 1 })
        }
    }
}

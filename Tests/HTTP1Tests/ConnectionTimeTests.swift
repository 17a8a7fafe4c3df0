import HTTP1
import Testing

@Suite struct ConnectionTimeTests {
    @Test func headDeadline() {
        var connection = ScriptedConnection()
        connection.receive("GET / HTTP/1.1\r\n")
        connection.pass(seconds: 9)
        // More bytes don't buy more time.
        connection.receive("X: y\r\n")
        #expect(connection.log.isEmpty)
        connection.pass(seconds: 1)
        #expect(
            connection.log == ["refuse 408", "send HTTP/1.1 408 Request Timeout close", "shutdown"])
        connection.pass(seconds: 2)
        #expect(connection.log.last == "close")
    }

    @Test func silentConnectionsAreClosed() {
        var fresh = ScriptedConnection()
        fresh.pass(seconds: 10)
        #expect(fresh.log == ["close"])
        var kept = ScriptedConnection()
        kept.receive(get)
        kept.pass(seconds: 74)
        #expect(kept.log.count == 3)
        kept.pass(seconds: 1)
        #expect(kept.log.last == "close")
    }

    @Test func bodyFloorRate() {
        var timeouts = HTTPTimeouts()
        timeouts.bodyFloorBytesPerSecond = 100
        var limits = HTTPLimits()
        limits.bodyBytes = 10_000
        var connection = ScriptedConnection(limits: limits, timeouts: timeouts)
        connection.maximumBodyBytes = 10_000
        connection.receive("PUT /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n")
        connection.pass(seconds: 9)
        // Ten seconds' worth of bytes, but nobody saves up more than the grace.
        connection.receive(String(repeating: "x", count: 1000))
        connection.pass(seconds: 9)
        connection.receive(String(repeating: "x", count: 200))
        connection.pass(seconds: 2)
        #expect(connection.log == ["admit PUT /p"])
        connection.pass(seconds: 1)
        #expect(connection.log[1] == "refuse 408")
    }

    /// One byte every nine seconds is as good as none.
    @Test func dripsBuyNoTime() {
        var connection = ScriptedConnection()
        connection.receive("PUT /p HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
        connection.pass(seconds: 9)
        connection.receive("x")
        connection.pass(seconds: 2)
        #expect(connection.log[1] == "refuse 408")
    }

    /// A closing connection reads for a while, so that its answer survives, but neither for long nor much.
    @Test func lingeringIsBounded() {
        func lingering() -> ScriptedConnection {
            var connection = ScriptedConnection()
            connection.receive("bad\r\n")
            #expect(connection.log.last == "shutdown")
            return connection
        }
        var timed = lingering()
        timed.now += HTTPTimeouts().lingerNanoseconds - 1
        timed.machine.timerFired(now: timed.now)
        timed.run()
        #expect(timed.log.last == "shutdown")
        timed.now += 1
        timed.machine.timerFired(now: timed.now)
        timed.run()
        #expect(timed.log.last == "close")

        var flooded = lingering()
        let megabyte = [UInt8](repeating: 0, count: 1 << 20)
        for _ in 0..<64 { flooded.machine.received(megabyte.span, now: 0) }
        flooded.run()
        #expect(flooded.log.last == "shutdown")
        flooded.receive("x")
        #expect(flooded.log.last == "close")
    }

    @Test func drainingIsBounded() {
        let timeouts = HTTPTimeouts()
        var idle = ScriptedConnection()
        idle.receive(get)
        idle.machine.drain(now: 0)
        idle.machine.timerFired(now: timeouts.drainIdleNanoseconds - 1)
        idle.run()
        #expect(idle.log.last == "send HTTP/1.1 200 OK")
        idle.machine.timerFired(now: timeouts.drainIdleNanoseconds)
        idle.run()
        #expect(idle.log.last == "close")

        var served = ScriptedConnection()
        served.machine.drain(now: 0)
        served.receive(get)
        #expect(served.machine.deadline == timeouts.drainLingerNanoseconds)
        served.machine.timerFired(now: timeouts.drainLingerNanoseconds)
        served.run()
        #expect(served.log.last == "close")
    }

    @Test func aHandlerMayTakeItsTime() {
        var connection = ScriptedConnection()
        connection.answer = nil
        connection.receive(get)
        #expect(connection.machine.deadline == nil)
        connection.pass(seconds: 1000)
        #expect(connection.log == ["admit GET /a", "deliver /a "])
    }

    @Test func aReaderThatStopsIsDropped() {
        var connection = ScriptedConnection()
        connection.flushes = false
        connection.receive(get)
        connection.pass(seconds: 19)
        connection.machine.wrote(8192, now: connection.now)
        connection.pass(seconds: 1)
        #expect(connection.log.last == "send HTTP/1.1 200 OK")
        connection.pass(seconds: 1)
        #expect(connection.log.last == "close")
    }

    @Test func draining() {
        var idle = ScriptedConnection()
        idle.receive(get)
        idle.machine.drain(now: 0)
        idle.run()
        #expect(idle.log.last == "send HTTP/1.1 200 OK")
        idle.pass(seconds: 1)
        #expect(idle.log.last == "close")
        // A request that was on its way is served, and the client told to go.
        var late = ScriptedConnection()
        late.machine.drain(now: 0)
        late.receive(get)
        #expect(late.log.suffix(2) == ["send HTTP/1.1 200 OK close", "shutdown"])
        var busy = ScriptedConnection()
        busy.answer = nil
        busy.receive(get)
        busy.machine.drain(now: 0)
        busy.respond(HTTPResponse(status: 200))
        #expect(busy.log.suffix(2) == ["send HTTP/1.1 200 OK close", "shutdown"])
    }
}

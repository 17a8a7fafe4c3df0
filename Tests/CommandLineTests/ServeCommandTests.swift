import Foundation
import Glibc
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)), .serialized) struct ServeCommandTests {
    @Test func servesPicturesAndPageAndEndsInPeace() throws {
        let server = try #require(try RunningServer(environment: ["MLLMSEG_LOG_FORMAT": "json"]))
        #expect(server.text("GET /readyz HTTP/1.1").hasPrefix("HTTP/1.1 200"))
        #expect(server.text("GET / HTTP/1.1").contains("<!doctype html>"))
        let answer = server.text(
            "POST /segment?expression=the+dog&format=coco_rle HTTP/1.1\r\nContent-Type: image/png\r\nX-Request-ID: mine",
            try TemporaryFolder.picture())
        #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
        #expect(answer.contains("\"width\":24"))
        #expect(server.text("GET /metrics HTTP/1.1").contains("\nmllmseg_model_ready 1\n"))
        let (status, log) = server.terminate()
        #expect(status == 0)
        #expect(log.contains("\"message\":\"configuration\""))
        #expect(log.contains("\"log-format\":\"json (MLLMSEG_LOG_FORMAT)\""))
        #expect(log.contains("\"request_id\":\"mine\""))
        #expect(!log.contains("/readyz"))
        #expect(log.contains("\"message\":\"stopped\""))
    }

    @Test func aPortInUseIsOneLine() throws {
        let server = try #require(try RunningServer())
        let second = try Program.run(
            ["serve", "--model", Program.model], environment: ["PORT": String(server.port)])
        #expect(second.status == 1)
        let complaints = second.errors.split(separator: "\n").filter { $0.hasPrefix("mllmseg: ") }
        #expect(complaints.count == 1)
        #expect(complaints.first?.contains("in use") == true)
        #expect(server.terminate().status == 0)
    }

    @Test func keysAreAskedForAndReadAgain() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(Array("ann first-key-0123456789".utf8), "keys")
        let server = try #require(try RunningServer(["--api-keys", file, "--log-format", "json"]))
        func ask(_ key: String) throws -> String {
            server.text(
                "POST /segment?expression=dog&format=none HTTP/1.1\r\nContent-Type: image/png\r\n"
                    + "Authorization: Bearer \(key)", try TemporaryFolder.picture())
        }
        #expect(try ask("wrong-key-0123456789").contains("WWW-Authenticate: Bearer"))
        #expect(try ask("first-key-0123456789").hasPrefix("HTTP/1.1 200"))
        #expect(server.text("GET /livez HTTP/1.1").hasPrefix("HTTP/1.1 200"))
        // A broken file changes nothing; a good one counts at once.
        _ = try folder.write(Array("ann short".utf8), "keys")
        kill(server.process.processIdentifier, SIGHUP)
        usleep(300_000)
        #expect(try ask("first-key-0123456789").hasPrefix("HTTP/1.1 200"))
        _ = try folder.write(Array("ben second-key-0123456789".utf8), "keys")
        kill(server.process.processIdentifier, SIGHUP)
        var answer = ""
        for _ in 0..<100 where !answer.hasPrefix("HTTP/1.1 200") {
            usleep(50_000)
            answer = try ask("second-key-0123456789")
        }
        #expect(answer.hasPrefix("HTTP/1.1 200"))
        #expect(try ask("first-key-0123456789").hasPrefix("HTTP/1.1 401"))
        let (status, log) = server.terminate()
        #expect(status == 0)
        #expect(log.contains("the old API keys stay"))
        for line in log.split(separator: "\n") where line.contains("\"message\":\"request\"") {
            for field in [
                "method", "path", "status", "bytes_in", "bytes_out", "ms", "remote", "request_id", "trace_id",
            ] {
                #expect(line.contains("\"\(field)\":\""), "\(field): \(line)")
            }
        }
        #expect(log.contains("\"key\":\"ann\"") && log.contains("\"key\":\"ben\""))
        #expect(!log.contains("-key-0123456789"))
    }

    @Test func operatorsAndSocketsHaveTheirOwnWays() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("socket")
        let free = try #require(try RunningServer())
        let port = free.port
        #expect(free.terminate().status == 0)
        let server = try #require(
            try RunningServer(
                ["--unix-socket", path, "--operators-port", "\(port)"],
                environment: ["MLLMSEG_MAX_HEADERS": "3"]))
        func status(_ head: String) -> String {
            String(decoding: (RunningServer.exchange(unix: path, head) ?? []).prefix(12), as: UTF8.self)
        }
        #expect(status("GET /readyz HTTP/1.1") == "HTTP/1.1 200")
        #expect(status("GET /metrics HTTP/1.1") == "HTTP/1.1 404")
        // Host, Connection and Content-Length are three already.
        #expect(status("GET /readyz HTTP/1.1\r\nX-One: 1") == "HTTP/1.1 431")
        let operators = RunningServer.Tap(port: port)
        #expect(operators.text("GET /metrics HTTP/1.1").hasPrefix("HTTP/1.1 200"))
        #expect(operators.text("GET / HTTP/1.1").hasPrefix("HTTP/1.1 404"))
        #expect(server.terminate().status == 0)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    /// Many clients while the server is told to end: each request is answered whole, with 200 or with 503,
    /// or isn't read at all; none is answered in part.
    @Test func nothingIsCutOffAtTheEnd() throws {
        let picture = try TemporaryFolder.picture()
        for _ in 0..<3 {
            let server = try #require(try RunningServer(["--log-level", "error"]))
            let outcomes = Mutex<[String: Int]>([:])
            let stopped = Mutex(false)
            let clients = (0..<8).map { _ in
                Thread {
                    while !stopped.withLock({ $0 }) {
                        let answer = server.exchange(
                            "POST /segment?expression=dog&format=none HTTP/1.1\r\nContent-Type: image/png",
                            picture)
                        let outcome = Self.outcome(answer)
                        outcomes.withLock { $0[outcome, default: 0] += 1 }
                        if outcome == "refused" { return }
                    }
                }
            }
            clients.forEach { $0.start() }
            while outcomes.withLock({ $0["200"] ?? 0 }) < 50 { usleep(1000) }
            let start = ContinuousClock.now
            #expect(server.terminate().status == 0)
            #expect(ContinuousClock.now - start < .seconds(5))
            stopped.withLock { $0 = true }
            while !clients.allSatisfy(\.isFinished) { usleep(1000) }
            let counts = outcomes.withLock { $0 }
            #expect(Set(counts.keys).isSubset(of: ["200", "503", "refused"]), "\(counts)")
        }
    }

    /// "cut" when the answer isn't whole.
    private static func outcome(_ answer: [UInt8]?) -> String {
        // Closed before a byte came: the connection stood in the kernel's line when the server stopped
        // listening, and its request was never read.
        guard let answer, !answer.isEmpty else { return "refused" }
        let text = String(decoding: answer, as: UTF8.self)
        let whole = text.hasSuffix("}") && text.hasPrefix("HTTP/1.1 ")
        return whole ? String(text.dropFirst(9).prefix(3)) : "cut"
    }
}

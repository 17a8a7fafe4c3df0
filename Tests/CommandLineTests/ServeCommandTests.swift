import Foundation
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

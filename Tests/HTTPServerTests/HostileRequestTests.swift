import Foundation
import Glibc
import HTTP1
import HTTPServer
import Testing

/// Requests that have smuggled, split or stalled something somewhere, replayed over a real socket. Each is
/// followed by a second request: a server that answers that one too has lost the framing.
@Suite struct HostileRequestTests {
    /// One payload: pieces of Latin-1 text, some of them many times over, and how it is refused.
    private struct Payload: Decodable {
        enum Piece: Decodable {
            case text(String)
            case repeated(String, times: Int)

            private enum CodingKeys: CodingKey { case `repeat`, times }

            init(from decoder: any Decoder) throws {
                if let text = try? decoder.singleValueContainer().decode(String.self) {
                    self = .text(text)
                } else {
                    let container = try decoder.container(keyedBy: CodingKeys.self)
                    self = .repeated(
                        try container.decode(String.self, forKey: .repeat),
                        times: try container.decode(Int.self, forKey: .times))
                }
            }

            var bytes: [UInt8] {
                switch self {
                case .text(let text): text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
                case .repeated(let text, let times):
                    Array(repeatElement(Piece.text(text).bytes, count: times).joined())
                }
            }
        }

        var name: String
        var status: Int
        var request: [Piece]
    }

    @Test func refusedOnceAndClosed() async throws {
        let file = try #require(
            Bundle.module.url(forResource: "Fixtures/hostile_requests", withExtension: "json"))
        let corpus = try JSONDecoder().decode([Payload].self, from: Data(contentsOf: file))
        #expect(corpus.count >= 64)
        try await withServer { port, _ in
            for payload in corpus {
                let client = try LoopbackClient(port: port)
                let request = payload.request.flatMap(\.bytes)
                client.send(request + Array("GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n".utf8))
                client.finishSending()
                let answer = client.receiveAll()
                let name = payload.name
                #expect(answer.hasPrefix("HTTP/1.1 \(payload.status) "), "\(name): \(answer.prefix(60))")
                #expect(!answer.contains("smuggled"), "\(name)")
                #expect(answer.contains("Connection: close\r\n"), "\(name)")
            }
        }
    }

    /// Nothing may be left behind by clients that vanish in the middle.
    @Test func manyResetsLeaveNothing() async throws {
        @Sendable func descriptors() -> Int { (0..<4096).filter { fcntl($0, F_GETFD) >= 0 }.count }
        try await withServer { port, _ in
            let before = descriptors()
            for index in 0..<1000 {
                let client = try LoopbackClient(port: port)
                client.send(
                    index.isMultiple(of: 2)
                        ? "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab" : "GE")
                client.resetConnection()
            }
            #expect(eventually { descriptors() <= before + 40 })
        }
    }
}

import Dispatch
import Glibc
import HTTP1
import HTTPServer
import Logging
import Synchronization

/// Echoes bodies; `/wait` takes its time, `/stream` answers in pieces, `/large` with 4 MB.
final class TestHandler: HTTPHandler {
    let cancelled = Mutex(0)
    let started = Mutex(0)
    let served = Mutex(0)
    /// Kept, as a stream without a producer ends.
    private let endless = Mutex<[AsyncStream<[UInt8]>.Continuation]>([])
    let gate: Duration

    init(wait: Duration = .seconds(30)) { gate = wait }

    func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
        head.path == "/refused"
            ? .refuse(HTTPResponse(status: 401))
            : .accept(maximumBodyBytes: head.path == "/small" ? 10 : .max)
    }

    func respondImmediately(to request: HTTPRequest) -> HTTPResponse? {
        request.head.path == "/livez" ? HTTPResponse(status: 200, body: .bytes(Array("live".utf8))) : nil
    }

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        started.withLock { $0 += 1 }
        defer { served.withLock { $0 += 1 } }
        switch request.head.path {
        case "/wait":
            try? await Task.sleep(for: gate)
            if Task.isCancelled { cancelled.withLock { $0 += 1 } }
            return HTTPResponse(status: 200, body: .bytes(Array("waited".utf8)))
        case "/stream":
            let stream = AsyncStream<[UInt8]> { continuation in
                for piece in ["one", "", "two"] { continuation.yield(Array(piece.utf8)) }
                continuation.finish()
            }
            return HTTPResponse(status: 200, body: .stream(stream))
        case "/endless":
            let (stream, continuation) = AsyncStream<[UInt8]>.makeStream()
            continuation.yield(Array("begun".utf8))
            endless.withLock { $0.append(continuation) }
            return HTTPResponse(status: 200, body: .stream(stream))
        case "/large":
            return HTTPResponse(status: 200, body: .bytes([UInt8](repeating: 0x61, count: 4 << 20)))
        default:
            return HTTPResponse(
                status: 200, headers: ["X-Path": request.head.path, "X-Request-ID": "r1"],
                body: .bytes(request.body))
        }
    }

    func refusal(status: Int, detail: String) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: ["Content-Type": "text/plain"], body: .bytes(Array(detail.utf8)))
    }
}

/// Runs `body`, which may block, against a server on a port of its own. It gets a thread of its own as well:
/// the tasks of the server's handlers need those of the concurrency pool.
func withServer(
    _ handler: TestHandler = TestHandler(),
    configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (Int, HTTPServer) throws -> Void
) async throws {
    var configuration = HTTPServerConfiguration(addresses: [.tcp(host: "127.0.0.1", port: 0)])
    configure(&configuration)
    let server = HTTPServer(configuration: configuration, handler: handler, logger: Logger(label: "test"))
    try server.start()
    let port = server.boundPort ?? 0
    let result = await onOwnThread { Result { try body(port, server) } }
    await server.shutDown(timeout: .zero)
    try result.get()
}

func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        DispatchQueue(label: "test client").async { continuation.resume(returning: body()) }
    }
}

/// Waits for something that another thread does: half a minute, as these tests may share their cores.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<3000 {
        if condition() { return true }
        pause(milliseconds: 10)
    }
    return condition()
}

func pause(milliseconds: UInt32) {
    usleep(milliseconds * 1000)
}

/// Gathers what the server reports of its exchanges.
final class AccessLog: Sendable {
    private let records = Mutex<[HTTPAccessRecord]>([])

    var all: [HTTPAccessRecord] { records.withLock { $0 } }

    func append(_ record: HTTPAccessRecord) { records.withLock { $0.append(record) } }
}

import HTTP1
import HTTPServer
import TestServing

/// Answers every request with its own body, for conformance suites and load generators. `/livez` is
/// answered at once, as the real server's probe is.
@main
struct EchoServer: HTTPHandler {
    static func main() {
        serveUntilTerminated(EchoServer())
    }

    func admit(_ head: HTTPRequestHead) -> HTTPAdmission { .accept(maximumBodyBytes: .max) }

    func respondImmediately(to request: HTTPRequest) -> HTTPResponse? {
        guard request.head.path == "/livez" else { return nil }
        return HTTPResponse(
            status: 200, headers: ["Content-Type": "text/plain"], body: .bytes(Array("ok\n".utf8)))
    }

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        HTTPResponse(
            status: 200, headers: ["Content-Type": "application/octet-stream"], body: .bytes(request.body))
    }

    func refusal(status: Int, detail: String) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: ["Content-Type": "text/plain"], body: .bytes(Array((detail + "\n").utf8))
        )
    }
}

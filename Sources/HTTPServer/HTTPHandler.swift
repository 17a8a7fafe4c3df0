import HTTP1

/// What the server asks of the application. Called from many connections at once.
public protocol HTTPHandler: Sendable {
    /// Decides from the head alone whether a body is worth reading (RFC 9110 section 10.1.1):
    /// answered before `100 Continue` is sent and before any body byte is buffered.
    /// Called on the I/O queue: it must not block.
    func admit(_ head: HTTPRequestHead) -> HTTPAdmission

    /// Answers a request that costs next to nothing (a probe, a small static file) on the I/O queue, so
    /// that it is quick however busy everything else is. Nil: ask `respond`. It must not block.
    func respondImmediately(to request: HTTPRequest) -> HTTPResponse?

    /// Answers one whole request. The task is cancelled when the client goes away.
    func respond(to request: HTTPRequest) async -> HTTPResponse

    /// The answer to a request that the server itself refuses (malformed, too large, too slow), so that
    /// every error has the application's form. `detail` says in plain words what was wrong.
    func refusal(status: Int, detail: String) -> HTTPResponse
}

extension HTTPHandler {
    public func respondImmediately(to request: HTTPRequest) -> HTTPResponse? { nil }
}

public enum HTTPAdmission: Sendable {
    /// Read a body of at most this many bytes (413 beyond), then call `respond`.
    case accept(maximumBodyBytes: Int)
    /// Answer this at once; the connection is closed if a body would follow.
    case refuse(HTTPResponse)
}

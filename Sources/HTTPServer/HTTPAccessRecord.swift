/// One answered request, for the access log.
public struct HTTPAccessRecord: Sendable {
    /// Nil when the request could not be read.
    public var method: String?
    /// The path without the query, which may hold what people asked for. Nil when it could not be read.
    public var path: String?
    public var status: Int
    /// The body's bytes without transfer coding.
    public var requestBytes: Int
    /// All bytes written, heads and framing included.
    public var responseBytes: Int
    /// From the whole head to the whole body.
    public var bodyNanoseconds: UInt64
    /// From the whole body to the handler's answer.
    public var handlerNanoseconds: UInt64
    /// From the whole head to the last byte written.
    public var totalNanoseconds: UInt64
    public var remoteAddress: String
    /// The answer's X-Request-ID, if the handler set one.
    public var requestID: String?
    /// The answer's `note`; nil when there was no answer.
    public var note: (any Sendable)?
    /// False when the client left before the last byte.
    public var isComplete: Bool
}

/// The request line and header fields, before any body has been read.
public struct HTTPRequestHead: Sendable, Equatable {
    /// Case-sensitive method token, for example "POST".
    public var method: String
    /// The request target exactly as sent.
    public var target: String
    /// The path of the target, percent-decoded, without the query.
    public var path: String
    /// The query's name and value pairs in order, percent-decoded ("+" is a space).
    public var query: [HTTPQueryItem]
    public var headers: HTTPHeaders

    public init(
        method: String, target: String, path: String, query: [HTTPQueryItem] = [], headers: HTTPHeaders = [:]
    ) {
        self.method = method
        self.target = target
        self.path = path
        self.query = query
        self.headers = headers
    }
}

public struct HTTPQueryItem: Sendable, Equatable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A whole request: head and body, with transfer coding removed.
public struct HTTPRequest: Sendable, Equatable {
    public var head: HTTPRequestHead
    public var body: [UInt8]
    /// The peer's address as text for logs ("127.0.0.1:5123", "[::1]:80", "unix").
    public var remoteAddress: String

    public init(head: HTTPRequestHead, body: [UInt8] = [], remoteAddress: String = "") {
        self.head = head
        self.body = body
        self.remoteAddress = remoteAddress
    }
}

/// What a handler answers. The server adds Date, Connection and the framing fields itself.
public struct HTTPResponse: Sendable {
    public var status: Int
    public var headers: HTTPHeaders
    public var body: HTTPBody
    /// Not sent: what the handler wants to find in the record of this exchange.
    public var note: (any Sendable)?

    public init(status: Int, headers: HTTPHeaders = [:], body: HTTPBody = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

public enum HTTPBody: Sendable {
    case empty
    case bytes([UInt8])
    /// Sent with chunked coding as pieces become ready.
    case stream(AsyncStream<[UInt8]>)
}

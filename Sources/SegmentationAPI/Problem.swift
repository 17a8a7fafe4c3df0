import HTTP1

/// An error as the client sees it: RFC 9457, with one more member `error` (equal to `detail`) that Open
/// Inference clients read.
public struct Problem: Sendable {
    public static let mediaType = "application/problem+json"

    /// The last part of `type`, `urn:mllmseg:problem:<name>`.
    public var name: String
    public var status: Int
    public var detail: String
    /// Whole seconds.
    public var retryAfter: Int?
    /// Value of `Allow`.
    public var allow: [String] = []
    /// Value of `WWW-Authenticate`.
    public var challenge: String?
    /// Further members: the field at fault and what it may be.
    public var members: [JSONMember] = []

    init(_ name: String, _ status: Int, _ detail: String, retryAfter: Double? = nil) {
        self.name = name
        self.status = status
        self.detail = detail
        self.retryAfter = retryAfter.map { Int(min(3600, max(1, $0.rounded(.up)))) }
    }

    public func json(requestID: String) -> JSONValue {
        var all: [JSONMember] = [
            JSONMember("type", "urn:mllmseg:problem:\(name)"),
            JSONMember("title", .string(status == 499 ? "Client Closed Request" : HTTPStatus.reason(status))),
            JSONMember("status", JSONValue(status)),
            JSONMember("detail", .string(detail)),
            JSONMember("instance", "urn:request:\(requestID)"),
            JSONMember("error", .string(detail)),
        ]
        if let retryAfter { all.append(JSONMember("retry_after_seconds", JSONValue(retryAfter))) }
        return .object(all + members)
    }

    public func response(requestID: String) -> HTTPResponse {
        var headers: HTTPHeaders = ["Content-Type": Self.mediaType, "Cache-Control": "no-store"]
        if let retryAfter { headers["Retry-After"] = String(retryAfter) }
        if let challenge { headers["WWW-Authenticate"] = challenge }
        if !allow.isEmpty { headers["Allow"] = allow.joined(separator: ", ") }
        return HTTPResponse(
            status: status, headers: headers, body: .bytes(json(requestID: requestID).encoded()))
    }
}

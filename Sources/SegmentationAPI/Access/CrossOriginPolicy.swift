import HTTP1

/// Which other sites' pages may call the service from a browser (the Fetch standard's CORS protocol). There
/// are no cookies, so credentials mode is never allowed: a page sends its API key itself.
public struct CrossOriginPolicy: Sendable, Equatable {
    /// Empty: every origin.
    private let origins: Set<String>

    /// - Parameter list: `*`, or origins such as `https://example.org:8443` separated by commas.
    /// - Returns: nil when one of them is no origin.
    public init?(_ list: String) {
        let names = list.split(separator: ",").map { $0.filter { $0 != " " } }
        if names == ["*"] {
            origins = []
            return
        }
        guard !names.isEmpty, names.allSatisfy(Self.isOrigin) else { return nil }
        origins = Set(names)
    }

    /// A serialized origin as browsers send it (RFC 6454 section 6.2): lower case, no path, no slash.
    private static func isOrigin(_ text: String) -> Bool {
        guard let colon = text.firstRange(of: "://") else { return false }
        let scheme = text[..<colon.lowerBound]
        let authority = text[colon.upperBound...]
        return ["http", "https"].contains(scheme) && !authority.isEmpty
            && authority.utf8.allSatisfy {
                switch $0 {
                case 0x61...0x7A, 0x30...0x39, 0x2D, 0x2E, 0x3A, 0x5B, 0x5D: true
                default: false
                }
            }
    }

    /// Adds what a browser needs to hand the answer to the page that asked.
    func apply(to response: inout HTTPResponse, for head: HTTPRequestHead) {
        // A cache must not give one origin's answer to another.
        if !origins.isEmpty { response.headers.append("Vary", "Origin") }
        guard let origin = head.headers["Origin"], origins.isEmpty || origins.contains(origin) else { return }
        response.headers["Access-Control-Allow-Origin"] = origins.isEmpty ? "*" : origin
        if head.method == "OPTIONS", head.headers["Access-Control-Request-Method"] != nil {
            response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"] ?? "GET, POST"
            response.headers["Access-Control-Allow-Headers"] =
                "Accept, Authorization, Content-Type, Inference-Header-Content-Length, traceparent, "
                + "X-API-Key, X-Image-Digest, X-Request-ID"
            response.headers["Access-Control-Max-Age"] = "600"
        } else {
            response.headers["Access-Control-Expose-Headers"] =
                "Inference-Header-Content-Length, Retry-After, traceparent, X-Image-Digest, X-Rejected, "
                + "X-Request-ID"
        }
    }
}

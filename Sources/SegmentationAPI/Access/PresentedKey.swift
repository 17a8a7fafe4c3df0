import HTTP1

/// The API key that a request carries, if any.
package enum PresentedKey: Equatable {
    case none
    /// Credentials that are no key: another scheme, repeated fields, broken base64.
    case unreadable
    case key(String)

    /// Read from `Authorization: Bearer KEY` (RFC 6750 section 2.1), `Authorization: Basic` with the key as
    /// the password (RFC 7617; annotation tools can send nothing else) or `X-API-Key: KEY`. Never from the
    /// query: targets end up in logs and histories.
    package init(_ headers: HTTPHeaders) {
        let authorization = headers.values("Authorization")
        let plain = headers.values("X-API-Key")
        switch (authorization.count, plain.count) {
        case (0, 0): self = .none
        case (0, 1): self = .key(plain[0])
        case (1, 0): self = Self.read(authorization[0])
        default: self = .unreadable
        }
    }

    private static func read(_ field: String) -> PresentedKey {
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return .unreadable }
        let credentials = String(parts[1].drop { $0 == " " })
        switch parts[0].lowercased() {
        case "bearer": return .key(credentials)
        case "basic":
            guard let pair = Base64.decode(credentials), let colon = pair.firstIndex(of: UInt8(ascii: ":"))
            else { return .unreadable }
            return .key(String(decoding: pair[(colon + 1)...], as: UTF8.self))
        default: return .unreadable
        }
    }
}

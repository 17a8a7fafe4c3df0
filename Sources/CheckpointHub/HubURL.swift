/// An absolute http or https address, as far as a hub needs one: no user, no fragment.
public struct HubURL: Sendable, Equatable, CustomStringConvertible {
    public var isEncrypted: Bool
    public var host: String
    public var port: UInt16
    /// Path and query, "/" first, percent-encoded as given.
    public var target: String

    public init(_ text: String) throws(HubError) {
        let scheme: String
        if text.hasPrefix("https://") {
            scheme = "https://"
        } else if text.hasPrefix("http://") {
            scheme = "http://"
        } else {
            throw .badAddress(text)
        }
        isEncrypted = scheme == "https://"
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !authority.contains("@") else {
            throw .badAddress(text)
        }
        let path = rest.dropFirst(authority.count).prefix { $0 != "#" }
        target = path.hasPrefix("/") ? String(path) : "/" + path
        let (name, digits) = Self.split(authority)
        guard !name.isEmpty else { throw .badAddress(text) }
        host = name
        if let digits {
            guard let number = UInt16(digits), number > 0 else { throw .badAddress(text) }
            port = number
        } else {
            port = isEncrypted ? 443 : 80
        }
    }

    /// Host and port; an IPv6 address stands in brackets.
    private static func split(_ authority: Substring) -> (host: String, port: String?) {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            let host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            return rest.isEmpty ? (String(host), nil) : (String(host), String(rest.dropFirst()))
        }
        guard let colon = authority.lastIndex(of: ":") else { return (String(authority), nil) }
        return (String(authority[..<colon]), String(authority[authority.index(after: colon)...]))
    }

    /// "host:port" for messages and the Host field; the scheme's own port is left out.
    public var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isEncrypted ? 443 : 80) ? name : "\(name):\(port)"
    }

    public var description: String { (isEncrypted ? "https://" : "http://") + authority + target }

    /// This address with `path` behind its own, "/" between.
    public func appending(_ path: String) throws(HubError) -> HubURL {
        var text = description
        while text.hasSuffix("/") { text.removeLast() }
        return try HubURL(text + "/" + path)
    }

    /// Where a Location field leads (RFC 9110 section 10.2.2): absolute, or a path on this host.
    public func resolving(_ location: String) throws(HubError) -> HubURL {
        if location.hasPrefix("/"), !location.hasPrefix("//") {
            var other = self
            other.target = location
            return try HubURL(other.description)
        }
        return try HubURL(location)
    }
}

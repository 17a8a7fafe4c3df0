/// The four forms of a request target (RFC 9112 section 3.2), taken apart and decoded.
struct RequestTarget {
    /// Percent-decoded, "*" for the asterisk form.
    var path: String
    var query: [HTTPQueryItem]
    /// Of the absolute form; it replaces Host (RFC 9112 section 3.2.2).
    var authority: String?

    static func parse(_ target: ArraySlice<UInt8>, method: String) throws(HTTPRequestFault) -> RequestTarget {
        guard !target.isEmpty, target.allSatisfy(isAllowed) else { throw .invalidTarget }
        if method == "CONNECT" { throw .connectUnsupported }
        if target.elementsEqual([UInt8(ascii: "*")]) {
            guard method == "OPTIONS" else { throw .invalidTarget }
            return RequestTarget(path: "*", query: [])
        }
        if target.first == UInt8(ascii: "/") { return try parseOrigin(target) }
        return try parseAbsolute(target)
    }

    /// Visible ASCII without what ends or breaks a URI. Browsers send `|`, `[` and the like unencoded in
    /// queries, so those pass although RFC 3986 would have them encoded.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        guard byte > 0x20 && byte < 0x7F else { return false }
        switch byte {
        case UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"):
            return false
        default: return true
        }
    }

    private static func parseOrigin(_ target: ArraySlice<UInt8>) throws(HTTPRequestFault) -> RequestTarget {
        let mark = target.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        guard let path = PercentEncoding.decode(target[..<mark]) else { throw .badPercentEncoding }
        guard mark < target.endIndex else { return RequestTarget(path: path, query: []) }
        return RequestTarget(path: path, query: try parseQuery(target[(mark + 1)...]))
    }

    private static func parseAbsolute(_ target: ArraySlice<UInt8>) throws(HTTPRequestFault) -> RequestTarget {
        guard let colon = target.firstIndex(of: UInt8(ascii: ":")),
            ByteSyntax.same(target[..<colon], "http") || ByteSyntax.same(target[..<colon], "https")
        else { throw .invalidTarget }
        let rest = target[(colon + 1)...]
        guard rest.starts(with: "//".utf8) else { throw .invalidTarget }
        let hierarchy = rest.dropFirst(2)
        let end =
            hierarchy.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? hierarchy.endIndex
        let authority = hierarchy[..<end]
        guard HostSyntax.isValid(authority) else { throw .invalidHost }
        var origin = hierarchy[end...]
        if origin.first != UInt8(ascii: "/") { origin = [UInt8(ascii: "/")] + origin }
        var parsed = try parseOrigin(origin)
        parsed.authority = String(decoding: authority, as: UTF8.self)
        return parsed
    }

    private static func parseQuery(_ bytes: ArraySlice<UInt8>) throws(HTTPRequestFault) -> [HTTPQueryItem] {
        var items: [HTTPQueryItem] = []
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = PercentEncoding.decode(pair[..<equals], plusIsSpace: true),
                let value = PercentEncoding.decode(pair[equals...].dropFirst(), plusIsSpace: true)
            else { throw .badPercentEncoding }
            items.append(HTTPQueryItem(name: name, value: value))
        }
        return items
    }
}

/// `uri-host [ ":" port ]` (RFC 9110 section 7.2). An empty host is refused: an http URI without one is
/// invalid (RFC 9110 section 4.2.1).
enum HostSyntax {
    static func isValid(_ bytes: ArraySlice<UInt8>) -> Bool {
        if bytes.first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let literal = bytes[(bytes.startIndex + 1)..<close]
            guard !literal.isEmpty, literal.allSatisfy(isLiteral) else { return false }
            return isPort(bytes[(close + 1)...])
        }
        let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        let name = bytes[..<colon]
        guard !name.isEmpty, name.allSatisfy({ ByteSyntax.isHostName($0) }) else { return false }
        guard PercentEncoding.decodedBytes(name) != nil else { return false }
        return isPort(bytes[colon...])
    }

    private static func isLiteral(_ byte: UInt8) -> Bool {
        ByteSyntax.hexValue(byte) != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    /// Empty, or a colon and digits of a port; RFC 3986 allows the digits to be missing.
    private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first else { return true }
        guard first == UInt8(ascii: ":"), bytes.count <= 6 else { return false }
        let digits = bytes.dropFirst()
        guard digits.allSatisfy({ ByteSyntax.isDigit($0) }) else { return false }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 65535
    }
}

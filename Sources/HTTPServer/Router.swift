/// Finds the route of a method and a path. A pattern's segments are literal or `{parameter}`; a path
/// matches with or without a trailing slash. Route names, not paths, label metrics, so that a client can't
/// make new series (Vapor's CVE-2021-21328).
public struct Router<Route: Sendable>: Sendable {
    public enum Match: Sendable {
        case found(Route, name: String, parameters: [String: String])
        /// Answer 405 with `Allow`, or 204 with `Allow` for OPTIONS.
        case methodNotAllowed(name: String, allow: [String])
        /// A method that HTTP doesn't define (RFC 9110 section 15.6.2): answer 501.
        case methodUnknown
        case notFound
    }

    private var table = RouteTable()
    private var routes: [Route] = []

    public init() {}

    /// - Parameters:
    ///   - pattern: for example "/v2/models/{model}/infer".
    ///   - name: the metrics label of every method of this pattern.
    public mutating func add(_ method: String, _ pattern: String, name: String, _ route: Route) {
        table.add(method, pattern, name: name, index: routes.count)
        routes.append(route)
    }

    /// - Parameter path: percent-decoded, as `HTTPRequestHead.path` has it.
    public func match(method: String, path: String) -> Match {
        switch table.match(method: method, path: path) {
        case .found(let index, let name, let parameters):
            .found(routes[index], name: name, parameters: parameters)
        case .methodNotAllowed(let name, let allow): .methodNotAllowed(name: name, allow: allow)
        case .methodUnknown: .methodUnknown
        case .notFound: .notFound
        }
    }
}

/// The search itself, which needs to know nothing of what is found: generic code is slower from another module.
private struct RouteTable: Sendable {
    enum Match {
        case found(Int, name: String, parameters: [String: String])
        case methodNotAllowed(name: String, allow: [String])
        case methodUnknown
        case notFound
    }

    private struct Entry: Sendable {
        var name: String
        var segments: [Segment]
        /// In the order added.
        var routes: [(method: String, index: Int)]
    }

    private enum Segment: Sendable, Equatable {
        case literal(Substring)
        case parameter(String)
    }

    private static let knownMethods = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ]

    private var entries: [Entry] = []
    /// Entries without parameters, by path without a trailing slash.
    private var literals: [String: Int] = [:]

    mutating func add(_ method: String, _ pattern: String, name: String, index route: Int) {
        let segments = Self.split(pattern).map { part in
            part.hasPrefix("{") && part.hasSuffix("}")
                ? Segment.parameter(String(part.dropFirst().dropLast())) : .literal(part)
        }
        let index: Int
        if let known = entries.firstIndex(where: { $0.segments == segments }) {
            index = known
        } else {
            index = entries.count
            entries.append(Entry(name: name, segments: segments, routes: []))
            let isLiteral = segments.allSatisfy { if case .literal = $0 { true } else { false } }
            if isLiteral { literals[Self.key(Self.split(pattern))] = index }
        }
        entries[index].routes.append((method, route))
    }

    func match(method: String, path: String) -> Match {
        guard let (entry, parameters) = entry(path) else { return .notFound }
        if let exact = entry.routes.first(where: { $0.method == method }) {
            return .found(exact.index, name: entry.name, parameters: parameters)
        }
        // HEAD is GET without the body, which the server leaves out by itself.
        if method == "HEAD", let get = entry.routes.first(where: { $0.method == "GET" }) {
            return .found(get.index, name: entry.name, parameters: parameters)
        }
        guard Self.knownMethods.contains(method) else { return .methodUnknown }
        return .methodNotAllowed(name: entry.name, allow: Self.allowed(entry))
    }

    private func entry(_ path: String) -> (Entry, [String: String])? {
        // Probes come this way, so they take nothing apart.
        if let literal = literals[path] { return (entries[literal], [:]) }
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        let parts = Self.split(path)
        if path.utf8.last == UInt8(ascii: "/"), let literal = literals[Self.key(parts)] {
            return (entries[literal], [:])
        }
        for entry in entries where entry.segments.count == parts.count {
            if let parameters = Self.parameters(entry.segments, parts) { return (entry, parameters) }
        }
        return nil
    }

    private static func parameters(_ segments: [Segment], _ parts: [Substring]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (segment, part) in zip(segments, parts) {
            switch segment {
            case .literal(let literal): guard literal == part else { return nil }
            case .parameter(let name):
                guard !part.isEmpty else { return nil }
                parameters[name] = String(part)
            }
        }
        return parameters
    }

    private static func allowed(_ entry: Entry) -> [String] {
        var methods = entry.routes.map(\.method)
        if methods.contains("GET") && !methods.contains("HEAD") { methods.append("HEAD") }
        if !methods.contains("OPTIONS") { methods.append("OPTIONS") }
        return methods
    }

    /// Segments between slashes, without the empty one that a trailing slash leaves.
    private static func split(_ path: String) -> [Substring] {
        var parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if parts.last?.isEmpty == true { parts.removeLast() }
        return parts
    }

    private static func key(_ parts: [Substring]) -> String {
        "/" + parts.joined(separator: "/")
    }
}

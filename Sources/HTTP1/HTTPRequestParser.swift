/// What follows a head and what becomes of the connection after it.
public struct HTTPRequestFraming: Sendable, Equatable {
    public var body: HTTPBodyFraming
    /// The client wants the connection kept (RFC 9112 section 9.3).
    public var keepsAlive: Bool
    /// The client waits for `100 Continue` before it sends the body (RFC 9110 section 10.1.1).
    public var expectsContinue: Bool
    /// An HTTP/1.0 client can't read chunked coding.
    public var isHTTP10: Bool

    public init(
        body: HTTPBodyFraming = .none, keepsAlive: Bool = true, expectsContinue: Bool = false,
        isHTTP10: Bool = false
    ) {
        self.body = body
        self.keepsAlive = keepsAlive
        self.expectsContinue = expectsContinue
        self.isHTTP10 = isHTTP10
    }
}

public enum HTTPBodyFraming: Sendable, Equatable {
    case none
    case length(Int)
    case chunked
}

/// Reads one request head from bytes that arrive in any pieces (RFC 9112, strictly). The outcome does not
/// depend on where the bytes are cut.
public struct HTTPRequestParser: Sendable {
    public enum Outcome: Sendable, Equatable {
        case needMoreBytes
        case head(HTTPRequestHead, HTTPRequestFraming)
        case invalid(HTTPRequestFault)
    }

    private let limits: HTTPLimits
    private var reader = LineReader()
    private var emptyLines = 0
    private var headerBytes = 0
    private var requestLine: RequestLine?
    private var headers = HTTPHeaders()

    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    /// No byte of a request has been seen yet.
    public var isAtStart: Bool { requestLine == nil && reader.isEmpty && emptyLines == 0 }

    /// Takes bytes from `position` on and moves it past what was used: all of them when more are needed,
    /// up to the end of the head otherwise. After a head the parser is ready for the next one.
    public mutating func parse(_ bytes: Span<UInt8>, from position: inout Int) -> Outcome {
        do {
            guard try readHead(bytes, from: &position), let line = requestLine else { return .needMoreBytes }
            let (head, framing) = try RequestSemantics.interpret(line, headers)
            self = HTTPRequestParser(limits: limits)
            return .head(head, framing)
        } catch {
            return .invalid(error)
        }
    }

    private mutating func readHead(
        _ bytes: Span<UInt8>, from position: inout Int
    ) throws(HTTPRequestFault) -> Bool {
        while true {
            guard requestLine != nil else {
                let limit = limits.requestLineBytes
                let whole = try reader.read(
                    bytes, from: &position, limit: limit, tooLong: .requestLineTooLong(limit: limit))
                guard whole else { return false }
                try endRequestLine()
                continue
            }
            // A line's end counts too, so that many empty-valued fields can't pass below the limit.
            let limit = limits.headerBytes - headerBytes - 2
            let tooLong = HTTPRequestFault.headersTooLarge(limit: limits.headerBytes)
            guard try reader.read(bytes, from: &position, limit: limit, tooLong: tooLong) else {
                return false
            }
            if reader.line.isEmpty { return true }
            try endHeaderLine()
        }
    }

    private mutating func endRequestLine() throws(HTTPRequestFault) {
        defer { reader.reset() }
        if reader.line.isEmpty {
            emptyLines += 1
            guard emptyLines <= limits.leadingEmptyLines else { throw .malformedRequestLine }
            return
        }
        requestLine = try RequestLine.parse(reader.line)
    }

    private mutating func endHeaderLine() throws(HTTPRequestFault) {
        guard headers.fields.count < limits.headerCount else {
            throw .tooManyHeaders(limit: limits.headerCount)
        }
        headerBytes += reader.line.count + 2
        let field = try FieldLine.parse(reader.line[...])
        headers.append(field.name, field.value)
        reader.reset()
    }
}

/// `method SP request-target SP HTTP-version` (RFC 9112 section 3), with exactly one space each.
struct RequestLine: Sendable {
    var method: String
    var rawTarget: ArraySlice<UInt8>
    var minorVersion: UInt8

    static func parse(_ line: [UInt8]) throws(HTTPRequestFault) -> RequestLine {
        guard let first = line.firstIndex(of: ByteSyntax.space),
            let last = line.lastIndex(of: ByteSyntax.space), first < last
        else { throw .malformedRequestLine }
        guard ByteSyntax.isToken(line[..<first]) else { throw .invalidMethod }
        let version = line[(last + 1)...]
        guard version.count == 8, version.starts(with: "HTTP/".utf8),
            ByteSyntax.isDigit(line[last + 6]), line[last + 7] == UInt8(ascii: "."),
            ByteSyntax.isDigit(line[last + 8])
        else { throw .malformedRequestLine }
        let target = line[(first + 1)..<last]
        guard !target.isEmpty, !target.contains(where: { ByteSyntax.isBlank($0) }) else {
            throw .malformedRequestLine
        }
        // Among others the HTTP/2 preface, "PRI * HTTP/2.0" (RFC 9113 section 3.4).
        guard line[last + 6] == UInt8(ascii: "1") else { throw .unsupportedVersion }
        return RequestLine(
            method: String(decoding: line[..<first], as: UTF8.self), rawTarget: target,
            minorVersion: line[last + 8] - UInt8(ascii: "0"))
    }
}

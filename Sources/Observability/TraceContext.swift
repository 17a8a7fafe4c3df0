/// W3C Trace Context, `traceparent` (https://www.w3.org/TR/trace-context/ section 3.2).
public struct TraceContext: Sendable, Equatable {
    /// 32 lower-case hexadecimal digits, not all zero.
    public let traceID: String
    /// This server's own span: 16 lower-case hexadecimal digits, not all zero.
    public let spanID: String
    /// The caller's span, where the request carried a valid header.
    public let parentID: String?
    /// Bit 0: the caller may have recorded this trace.
    public let flags: UInt8

    /// The value to pass on.
    public var traceparent: String {
        "00-\(traceID)-\(spanID)-\(Hexadecimal.encode([flags]))"
    }

    /// Continues the trace of `traceparent`; an absent or invalid one starts a new trace.
    public init(traceparent: String?) {
        spanID = Hexadecimal.random(bytes: 8)
        if let parent = traceparent.flatMap(Self.parse) {
            (traceID, parentID, flags) = (parent.traceID, parent.parentID, parent.flags)
        } else {
            (traceID, parentID, flags) = (Hexadecimal.random(bytes: 16), nil, 0)
        }
    }

    /// `version "-" trace-id "-" parent-id "-" flags`. Versions after 00 may append more; ff is forbidden.
    private static func parse(_ text: String) -> (traceID: String, parentID: String, flags: UInt8)? {
        let bytes = Array(text.utf8)
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash else { return nil }
        guard let version = Hexadecimal.decode(bytes[0..<2])?.first, version != 0xFF,
            let trace = Hexadecimal.decode(bytes[3..<35]), trace.contains(where: { $0 != 0 }),
            let parent = Hexadecimal.decode(bytes[36..<52]), parent.contains(where: { $0 != 0 }),
            let flags = Hexadecimal.decode(bytes[53..<55])?.first
        else { return nil }
        guard bytes.count == 55 || (version > 0 && bytes[55] == dash) else { return nil }
        return (Hexadecimal.encode(trace), Hexadecimal.encode(parent), version == 0 ? flags : flags & 1)
    }
}

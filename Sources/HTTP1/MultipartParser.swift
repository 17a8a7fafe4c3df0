/// Reads a whole multipart/form-data body (RFC 7578) that is already in memory.
public enum MultipartParser {
    /// - Parameters:
    ///   - body: the request's body without transfer coding.
    ///   - boundary: as `MultipartBoundary.find` gives it.
    /// - Returns: the parts in order; their bodies are slices of `body`.
    public static func parse(
        body: [UInt8], boundary: String, limits: MultipartLimits = MultipartLimits()
    ) throws(MultipartError) -> [MultipartPart] {
        var scanner = try MultipartScanner(boundary: boundary, limits: limits)
        var parts: [MultipartPart] = []
        var data = 0..<0
        var head: MultipartPartHead?
        while true {
            switch try scanner.next(in: body.span, isWhole: true) {
            case .partBegan(let next):
                head = next
                data = scanner.position..<scanner.position
            // A part's bytes lie together in a whole body; only what looks like a delimiter cuts them.
            case .partBytes(let range):
                data = (data.isEmpty ? range.lowerBound : data.lowerBound)..<range.upperBound
            case .partEnded:
                if let head { parts.append(MultipartPart(head: head, body: body[data])) }
                head = nil
            case .finished, .needMoreBytes: return parts
            }
        }
    }
}

/// Reads a multipart/form-data body as it arrives, in any pieces, holding back no more than one part's
/// head or one delimiter.
public struct MultipartDecoder: Sendable {
    public enum Event: Sendable, Equatable {
        case partBegan(MultipartPartHead)
        case partBytes([UInt8])
        case partEnded
    }

    private var scanner: MultipartScanner
    private var buffer: [UInt8] = []
    private var isWhole = false

    public init(boundary: String, limits: MultipartLimits = MultipartLimits()) throws(MultipartError) {
        scanner = try MultipartScanner(boundary: boundary, limits: limits)
    }

    /// Adds bytes; call `next` until it returns nil afterwards.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        buffer.removeFirst(scanner.position)
        scanner.didDiscardUsedBytes()
        buffer.append(contentsOf: bytes)
    }

    /// No byte will follow; call `next` until it returns nil to learn whether the body was whole.
    public mutating func finish() {
        isWhole = true
    }

    public mutating func next() throws(MultipartError) -> Event? {
        // A local copy, as the scanner may not change while the buffer beside it is lent out.
        var scanner = scanner
        defer { self.scanner = scanner }
        switch try scanner.next(in: buffer.span, isWhole: isWhole) {
        case .needMoreBytes, .finished: return nil
        case .partBegan(let head): return .partBegan(head)
        case .partBytes(let range): return .partBytes(Array(buffer[range]))
        case .partEnded: return .partEnded
        }
    }
}

/// Gathers one request body, whatever its framing, under a limit.
struct RequestBodyReader: Sendable {
    private(set) var bytes: [UInt8] = []
    private var framing = HTTPBodyFraming.none
    private var chunks: ChunkedDecoder?
    private var maximumBytes = 0

    init() {}

    init(framing: HTTPBodyFraming, maximumBytes: Int, limits: HTTPLimits) {
        self.framing = framing
        self.maximumBytes = maximumBytes
        if framing == .chunked { chunks = ChunkedDecoder(limits: limits) }
    }

    /// Takes bytes from `position` on.
    /// - Returns: true when the body is whole.
    mutating func read(
        _ input: Span<UInt8>, from position: inout Int
    ) throws(HTTPRequestFault) -> Bool {
        switch framing {
        case .none: return true
        case .chunked:
            let whole = try chunks?.decode(input, from: &position, into: &bytes, maximumBytes: maximumBytes)
            return whole ?? true
        case .length(let length):
            // Memory follows the bytes that came, not those that were promised.
            let count = min(length - bytes.count, input.count - position)
            input.extracting(position..<(position + count)).withUnsafeBufferPointer {
                bytes.append(contentsOf: $0)
            }
            position += count
            return bytes.count == length
        }
    }

    /// The whole body; the reader is empty afterwards.
    mutating func take() -> [UInt8] {
        defer { self = RequestBodyReader() }
        return bytes
    }
}

import HTTP1

/// The head of a reply: status and fields, parsed from bytes without a connection.
struct HubResponseHead: Equatable {
    var status: Int
    var headers: HTTPHeaders

    static let maximumBytes = 64 << 10

    enum Parsed: Equatable {
        case needMoreBytes
        /// `consumed` bytes belong to the head, blank line included.
        case complete(HubResponseHead, consumed: Int)
        case invalid(String)
    }

    /// RFC 9112 section 4, lenient in nothing: lines end in CR LF.
    static func parse(_ bytes: [UInt8]) -> Parsed {
        guard let end = endOfHead(bytes) else {
            return bytes.count > maximumBytes
                ? .invalid("a head of over \(maximumBytes) bytes") : .needMoreBytes
        }
        let text = String(decoding: bytes[..<end], as: UTF8.self)
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let status = lines[0].split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard status.count >= 2, status[0].hasPrefix("HTTP/1."), status[1].count == 3,
            let code = Int(status[1]), code >= 100
        else { return .invalid("no HTTP/1.1 status line") }
        var headers = HTTPHeaders()
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                return .invalid("a field without a name")
            }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append(String(line[..<colon]), String(value))
        }
        return .complete(HubResponseHead(status: code, headers: headers), consumed: end + 4)
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (0...min(bytes.count - 4, maximumBytes)).first {
            bytes[$0] == 13 && bytes[$0 + 1] == 10 && bytes[$0 + 2] == 13 && bytes[$0 + 3] == 10
        }
    }
}

/// A reply whose body is read piece by piece.
struct HubResponse {
    let url: HubURL
    let head: HubResponseHead
    /// Bytes that the body will have; nil when only its end tells.
    let length: Int?
    private let connection: HubConnection
    private var buffered: [UInt8]
    private var received = 0
    private var chunks: ChunkedDecoder?
    private var isFinished = false

    init(reading connection: HubConnection, from url: HubURL) throws(HubError) {
        self.connection = connection
        self.url = url
        var bytes: [UInt8] = []
        while true {
            switch HubResponseHead.parse(bytes) {
            case .complete(let head, _) where head.status < 200:
                // Interim replies (RFC 9110 section 15.2) say nothing that we need.
                guard case .complete(_, let consumed) = HubResponseHead.parse(bytes) else { continue }
                bytes.removeFirst(consumed)
                continue
            case .complete(let head, let consumed):
                self.head = head
                buffered = Array(bytes[consumed...])
                let isChunked = head.headers["Transfer-Encoding"]?.lowercased() == "chunked"
                chunks = isChunked ? ChunkedDecoder() : nil
                length = isChunked ? nil : head.headers["Content-Length"].flatMap { Int($0) }
                return
            case .invalid(let reason): throw .malformedReply(url: url.description, reason: reason)
            case .needMoreBytes:
                let more = Self.read(connection)
                guard !more.isEmpty else {
                    throw .connection(host: url.authority, reason: "no reply came")
                }
                bytes += more
            }
        }
    }

    private static func read(_ connection: HubConnection) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, count in
            count = connection.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// The next bytes of the body, or nil at its end. Throws `.cut` when the connection ends before the body.
    mutating func next() throws(HubError) -> [UInt8]? {
        if chunks != nil { return try nextChunked() }
        if let length, received >= length { return nil }
        var piece = buffered
        buffered = []
        if piece.isEmpty { piece = Self.read(connection) }
        if piece.isEmpty {
            guard let length else { return nil }
            throw .cut(url: url.description, received: received, expected: length)
        }
        if let length, piece.count > length - received { piece.removeLast(piece.count - (length - received)) }
        received += piece.count
        return piece
    }
}

extension HubResponse {
    private mutating func nextChunked() throws(HubError) -> [UInt8]? {
        guard var decoder = chunks else { return nil }
        while !isFinished {
            let piece = buffered.isEmpty ? Self.read(connection) : buffered
            buffered = []
            guard !piece.isEmpty else {
                throw .cut(url: url.description, received: received, expected: received + 1)
            }
            var body: [UInt8] = []
            var position = 0
            do {
                isFinished = try decoder.decode(
                    piece.span, from: &position, into: &body, maximumBytes: .max)
            } catch {
                throw .malformedReply(url: url.description, reason: "broken chunked coding")
            }
            chunks = decoder
            received += body.count
            if !body.isEmpty { return body }
        }
        return nil
    }

    /// The whole body, at most `limit` bytes.
    mutating func body(limit: Int) throws(HubError) -> [UInt8] {
        var whole: [UInt8] = []
        while let piece = try next() {
            whole += piece
            guard whole.count <= limit else {
                throw .malformedReply(url: url.description, reason: "over \(limit) bytes")
            }
        }
        return whole
    }
}

/// Removes chunked transfer coding (RFC 9112 section 7.1) from bytes that arrive in any pieces.
/// Extensions and trailers are checked, counted and dropped.
public struct ChunkedDecoder: Sendable {
    private enum Stage {
        case size
        case data
        case dataEnd(sawCarriageReturn: Bool)
        case trailer
        case finished
    }

    private let limits: HTTPLimits
    private var stage = Stage.size
    private var reader = LineReader()
    private var remaining = 0
    private var extensionBytes = 0
    private var trailerBytes = 0
    private var trailers = 0

    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    /// Takes bytes from `position` on and appends what they carry to `body`.
    /// - Returns: true once the last chunk and the trailers have ended; false when more bytes are needed.
    /// - Throws: `bodyTooLarge` as soon as a chunk's size would carry `body` past `maximumBytes`.
    public mutating func decode(
        _ bytes: Span<UInt8>, from position: inout Int, into body: inout [UInt8], maximumBytes: Int
    ) throws(HTTPRequestFault) -> Bool {
        while true {
            switch stage {
            case .size:
                guard try readSize(bytes, from: &position) else { return false }
                guard remaining <= maximumBytes - body.count else { throw .bodyTooLarge(limit: maximumBytes) }
            case .data:
                let count = min(remaining, bytes.count - position)
                bytes.extracting(position..<(position + count)).withUnsafeBufferPointer {
                    body.append(contentsOf: $0)
                }
                position += count
                remaining -= count
                guard remaining == 0 else { return false }
                stage = .dataEnd(sawCarriageReturn: false)
            case .dataEnd(let sawCarriageReturn):
                guard position < bytes.count else { return false }
                let expected = sawCarriageReturn ? ByteSyntax.lineFeed : ByteSyntax.carriageReturn
                guard bytes[position] == expected else { throw .missingChunkTerminator }
                position += 1
                stage = sawCarriageReturn ? .size : .dataEnd(sawCarriageReturn: true)
            case .trailer:
                guard try readTrailer(bytes, from: &position) else { return false }
            case .finished:
                return true
            }
        }
    }

    private mutating func readSize(
        _ bytes: Span<UInt8>, from position: inout Int
    ) throws(HTTPRequestFault) -> Bool {
        // Sixteen digits hold any size; what is left of the line are extensions.
        let limit = 16 + limits.chunkExtensionBytes - extensionBytes
        let tooLong = HTTPRequestFault.chunkExtensionsTooLong(limit: limits.chunkExtensionBytes)
        guard try reader.read(bytes, from: &position, limit: limit, tooLong: tooLong) else { return false }
        defer { reader.reset() }
        let line = reader.line[...]
        let digits = line.prefix { ByteSyntax.hexValue($0) != nil }
        guard !digits.isEmpty, digits.count <= 16 else { throw .invalidChunkSize }
        var size: UInt64 = 0
        for digit in digits { size = size << 4 | UInt64(ByteSyntax.hexValue(digit) ?? 0) }
        guard let size = Int(exactly: size) else { throw .invalidChunkSize }

        let extensions = line[digits.endIndex...]
        extensionBytes += extensions.count
        guard extensionBytes <= limits.chunkExtensionBytes else { throw tooLong }
        if !extensions.isEmpty {
            guard ChunkExtension.areValid(extensions) else { throw .invalidChunkExtension }
        }
        remaining = size
        stage = size == 0 ? .trailer : .data
        return true
    }

    private mutating func readTrailer(
        _ bytes: Span<UInt8>, from position: inout Int
    ) throws(HTTPRequestFault) -> Bool {
        let limit = limits.trailerBytes - trailerBytes - 2
        let tooLong = HTTPRequestFault.headersTooLarge(limit: limits.trailerBytes)
        guard try reader.read(bytes, from: &position, limit: limit, tooLong: tooLong) else { return false }
        if reader.line.isEmpty {
            stage = .finished
            reader.release()
            return true
        }
        guard trailers < limits.trailerCount else { throw .tooManyHeaders(limit: limits.trailerCount) }
        _ = try FieldLine.parse(reader.line[...])
        trailers += 1
        trailerBytes += reader.line.count + 2
        reader.reset()
        return true
    }
}

/// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` (RFC 9112 section 7.1.1).
private enum ChunkExtension {
    static func areValid(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            skipBlanks(&rest)
            guard rest.first == UInt8(ascii: ";") else { return false }
            rest.removeFirst()
            skipBlanks(&rest)
            guard skipToken(&rest) else { return false }
            let afterName = rest
            skipBlanks(&rest)
            guard rest.first == UInt8(ascii: "=") else {
                rest = afterName
                continue
            }
            rest.removeFirst()
            skipBlanks(&rest)
            guard rest.first == UInt8(ascii: "\"") ? skipQuoted(&rest) : skipToken(&rest) else {
                return false
            }
        }
        return true
    }

    private static func skipBlanks(_ rest: inout ArraySlice<UInt8>) {
        rest = rest.drop { ByteSyntax.isBlank($0) }
    }

    private static func skipToken(_ rest: inout ArraySlice<UInt8>) -> Bool {
        let after = rest.drop { ByteSyntax.isToken($0) }
        defer { rest = after }
        return after.count < rest.count
    }

    private static func skipQuoted(_ rest: inout ArraySlice<UInt8>) -> Bool {
        rest.removeFirst()
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return true }
            if byte == UInt8(ascii: "\\"), rest.popFirst() == nil { return false }
        }
        return false
    }
}

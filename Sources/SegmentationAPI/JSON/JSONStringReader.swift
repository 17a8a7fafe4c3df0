/// One string of a JSON text, quotes included (RFC 8259 section 7).
struct JSONStringReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    /// At the opening quote before `read`, after the closing one when it returns.
    private(set) var position: Int

    init(bytes: UnsafeBufferPointer<UInt8>, position: Int) {
        self.bytes = bytes
        self.position = position
    }

    mutating func read() throws(JSONError) -> String {
        let start = position
        position += 1
        // Base64 pictures are megabytes without an escape: find the end first.
        let first = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\""),
            bytes[position] != UInt8(ascii: "\\")
        {
            guard bytes[position] >= 0x20 else { throw .unexpected(offset: position) }
            position += 1
        }
        guard position < bytes.count else { throw .truncated }
        if bytes[position] == UInt8(ascii: "\"") {
            let end = position
            position += 1
            return try text(bytes[first..<end], start)
        }
        var unescaped = Array(bytes[first..<position])
        while true {
            guard position < bytes.count else { throw .truncated }
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try text(unescaped[...], start)
            case UInt8(ascii: "\\"): try appendEscaped(to: &unescaped, start)
            case 0..<0x20: throw .unexpected(offset: position - 1)
            default: unescaped.append(byte)
            }
        }
    }

    private func text(_ bytes: some Sequence<UInt8>, _ start: Int) throws(JSONError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .badString(offset: start) }
        return text
    }

    private mutating func appendEscaped(to text: inout [UInt8], _ start: Int) throws(JSONError) {
        guard position < bytes.count else { throw .truncated }
        let letter = bytes[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try escapedScalar(start)
            text.append(contentsOf: Array(String(scalar).utf8))
        default: throw .unexpected(offset: position - 1)
        }
    }

    /// After `\u`: four digits, or a surrogate pair of two such escapes.
    private mutating func escapedScalar(_ start: Int) throws(JSONError) -> Unicode.Scalar {
        let unit = try fourDigits()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00 else { throw .badString(offset: start) }
        for expected in [UInt8(ascii: "\\"), UInt8(ascii: "u")] {
            guard position < bytes.count else { throw .truncated }
            guard bytes[position] == expected else { throw .badString(offset: start) }
            position += 1
        }
        let low = try fourDigits()
        guard low >= 0xDC00, low <= 0xDFFF,
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        else { throw .badString(offset: start) }
        return scalar
    }

    private mutating func fourDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count else { throw .truncated }
            let digit = bytes[position]
            switch digit {
            case 0x30...0x39: value = value << 4 | UInt32(digit - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(digit - 0x41 + 10)
            case 0x61...0x66: value = value << 4 | UInt32(digit - 0x61 + 10)
            default: throw .unexpected(offset: position)
            }
            position += 1
        }
        return value
    }
}

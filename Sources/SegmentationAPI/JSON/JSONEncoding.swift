extension JSONValue {
    /// The text in UTF-8: without spaces, or for people to read, a line for each member and element.
    public func encoded(indented: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes, depth: indented ? 0 : nil)
        if indented { bytes.append(UInt8(ascii: "\n")) }
        return bytes
    }

    /// - Parameter depth: objects and arrays around this one; nil without indentation.
    private func append(to bytes: inout [UInt8], depth: Int?) {
        let inner = depth.map { $0 + 1 }
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let value): Self.append(value, to: &bytes)
        case .string(let text): Self.append(text, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.newLine(inner, in: &bytes)
                element.append(to: &bytes, depth: inner)
            }
            if !elements.isEmpty { Self.newLine(depth, in: &bytes) }
            bytes.append(UInt8(ascii: "]"))
        case .encoded(let text): bytes.append(contentsOf: text)
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.newLine(inner, in: &bytes)
                Self.append(member.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                if inner != nil { bytes.append(UInt8(ascii: " ")) }
                member.value.append(to: &bytes, depth: inner)
            }
            if !members.isEmpty { Self.newLine(depth, in: &bytes) }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func newLine(_ depth: Int?, in bytes: inout [UInt8]) {
        guard let depth else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }

    /// JSON has no infinities and no NaN: they become null.
    private static func append(_ value: Double, to bytes: inout [UInt8]) {
        if let whole = Int64(exactly: value) {
            bytes.append(contentsOf: String(whole).utf8)
        } else {
            bytes.append(contentsOf: (value.isFinite ? "\(value)" : "null").utf8)
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes.append(contentsOf: "\\\"".utf8)
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0..<0x20, 0x7F:
                bytes.append(contentsOf: "\\u00".utf8)
                for digit in [byte >> 4, byte & 15] { bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

/// The datatypes of the Open Inference Protocol that this model's tensors have, and their binary forms:
/// little-endian, row-major.
enum TensorType: String, Sendable {
    /// Elements of any length; binary: a 32-bit length and the bytes for each.
    case bytes = "BYTES"
    case uint8 = "UINT8"
    case int32 = "INT32"
    case float32 = "FP32"
    /// One byte, 0 or 1.
    case bool = "BOOL"
}

/// A named tensor of an answer.
struct OutputTensor: Sendable {
    enum Elements: Sendable {
        case uint8([UInt8])
        case int32([Int32])
        case float32([Float])
        case bool([Bool])
    }

    var name: String
    var shape: [Int]
    var elements: Elements

    var type: TensorType {
        switch elements {
        case .uint8: .uint8
        case .int32: .int32
        case .float32: .float32
        case .bool: .bool
        }
    }

    /// Little-endian bytes.
    var binary: [UInt8] {
        switch elements {
        case .uint8(let values): values
        case .bool(let values): values.map { $0 ? 1 : 0 }
        case .int32(let values): values.flatMap { Self.bytes(UInt32(bitPattern: $0)) }
        case .float32(let values): values.flatMap { Self.bytes($0.bitPattern) }
        }
    }

    /// A flat array. Masks have millions of elements: their text is written directly, not as a tree.
    var json: JSONValue {
        switch elements {
        case .uint8(let values): .encoded(Self.text(values))
        case .bool(let values): .array(values.map { .bool($0) })
        case .int32(let values): .array(values.map { JSONValue(Int($0)) })
        case .float32(let values): .array(values.map { JSONValue(rounding: $0) })
        }
    }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func text(_ values: [UInt8]) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "[")]
        text.reserveCapacity(values.count * 2 + 2)
        for (index, value) in values.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            if value < 10 { text.append(0x30 + value) } else { text.append(contentsOf: String(value).utf8) }
        }
        text.append(UInt8(ascii: "]"))
        return text
    }
}

/// Walks the fields of one protocol-buffer message (protobuf.dev, "Encoding"). Groups are refused; nothing traps.
struct ProtobufReader {
    enum Value {
        /// Wire type 0.
        case varint(UInt64)
        /// Wire type 5.
        case fixed32(UInt32)
        /// Wire type 1.
        case fixed64(UInt64)
        /// Wire type 2.
        case bytes(ArraySlice<UInt8>)
    }

    struct Failure: Error {
        var offset: Int
    }

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The next field, nil at the end of the message.
    mutating func next() throws(Failure) -> (number: Int, value: Value)? {
        guard position < bytes.endIndex else { return nil }
        let key = try varint()
        guard let number = Int(exactly: key >> 3) else { throw Failure(offset: position) }
        switch key & 7 {
        case 0: return (number, .varint(try varint()))
        case 1: return (number, .fixed64(try fixed(8)))
        case 2: return (number, .bytes(try lengthDelimited()))
        case 5: return (number, .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
        default: throw Failure(offset: position)
        }
    }

    private mutating func varint() throws(Failure) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 70, by: 7) {
            guard position < bytes.endIndex else { break }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw Failure(offset: position)
    }

    private mutating func fixed(_ count: Int) throws(Failure) -> UInt64 {
        guard bytes.endIndex - position >= count else { throw Failure(offset: position) }
        defer { position += count }
        return bytes[position..<position + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func lengthDelimited() throws(Failure) -> ArraySlice<UInt8> {
        let length = try varint()
        guard length <= UInt64(bytes.endIndex - position) else { throw Failure(offset: position) }
        defer { position += Int(length) }
        return bytes[position..<position + Int(length)]
    }
}

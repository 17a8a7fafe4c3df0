/// GPT-2's printable stand-ins for the 256 bytes: printable Latin-1 stands for itself, the other 68 bytes for
/// U+0100 upwards in order. Vocabulary files spell tokens in it ("Ġthe" is " the").
enum ByteLevelAlphabet {
    /// Byte by scalar value, for values below 0x144; -1 where the scalar stands for no byte.
    private static let byteOfScalar: [Int16] = {
        var table = [Int16](repeating: -1, count: 0x144)
        var next = 0x100
        for byte in 0..<256 {
            let printable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
            table[printable ? byte : next] = Int16(byte)
            if !printable { next += 1 }
        }
        return table
    }()

    /// Appends the bytes that a token's spelling (UTF-8) stands for; false when it holds a scalar outside the
    /// alphabet, which has one- and two-byte scalars only.
    static func appendBytes(of spelling: some Sequence<UInt8>, to bytes: inout [UInt8]) -> Bool {
        var iterator = spelling.makeIterator()
        while let first = iterator.next() {
            var scalar = Int(first)
            if first >= 0x80 {
                guard 0xC2...0xDF ~= first, let second = iterator.next() else { return false }
                scalar = Int(first & 0x1F) << 6 | Int(second & 0x3F)
            }
            guard scalar < 0x144, byteOfScalar[scalar] >= 0 else { return false }
            bytes.append(UInt8(byteOfScalar[scalar]))
        }
        return true
    }
}

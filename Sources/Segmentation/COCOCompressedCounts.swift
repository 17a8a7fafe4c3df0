/// The text form of COCO run lengths: from the fourth count on the difference to the count two before
/// (a run of the same value), five bits a character from the lowest, bit 0x20 when more follow, plus 48.
extension COCORunLength {
    public var compressedCounts: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(counts.count * 2)
        for (index, count) in counts.enumerated() {
            var rest = index > 2 ? count - counts[index - 2] : count
            var more = true
            while more {
                var character = UInt8(truncatingIfNeeded: rest & 0x1F)
                rest >>= 5
                // The highest bit sent is the sign: stop when the rest only repeats it.
                more = character & 0x10 != 0 ? rest != -1 : rest != 0
                if more { character |= 0x20 }
                bytes.append(character + 48)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    public init(height: Int, width: Int, compressedCounts: String) throws(COCORunLengthError) {
        var counts: [Int] = []
        var value = 0
        var shift = 0
        var offset = 0
        for byte in compressedCounts.utf8 {
            // Counts are at most 2^32 and differences need one bit more: seven characters hold both.
            guard byte >= 48, byte <= 111, shift < 35 else { throw .badCharacter(offset: offset) }
            let character = Int(byte - 48)
            value |= (character & 0x1F) << shift
            shift += 5
            offset += 1
            if character & 0x20 != 0 { continue }
            if character & 0x10 != 0 { value |= -1 << shift }
            if counts.count > 2 { value &+= counts[counts.count - 2] }
            counts.append(value)
            value = 0
            shift = 0
        }
        guard shift == 0 else { throw .badCharacter(offset: offset) }
        try self.init(height: height, width: width, counts: counts)
    }
}

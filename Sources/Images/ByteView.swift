/// Bounds-checked reads from borrowed bytes: nil past the end, never a trap.
struct ByteView {
    let bytes: UnsafeBufferPointer<UInt8>

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    var count: Int { bytes.count }

    subscript(_ index: Int) -> UInt8? {
        index >= 0 && index < bytes.count ? bytes[index] : nil
    }

    /// The part of `range` that exists.
    func slice(_ start: Int, count: Int) -> ByteView {
        let lower = min(max(start, 0), bytes.count)
        let upper = min(max(start + max(count, 0), lower), bytes.count)
        return ByteView(UnsafeBufferPointer(rebasing: bytes[lower..<upper]))
    }

    func matches(_ text: StaticString, at start: Int) -> Bool {
        guard start >= 0, bytes.count - start >= text.utf8CodeUnitCount else { return false }
        return (0..<text.utf8CodeUnitCount).allSatisfy { bytes[start + $0] == text.utf8Start[$0] }
    }

    func bigEndian16(at index: Int) -> Int? { unsigned(at: index, count: 2, littleEndian: false) }
    func bigEndian32(at index: Int) -> Int? { unsigned(at: index, count: 4, littleEndian: false) }
    func littleEndian24(at index: Int) -> Int? { unsigned(at: index, count: 3, littleEndian: true) }
    func littleEndian32(at index: Int) -> Int? { unsigned(at: index, count: 4, littleEndian: true) }

    func unsigned(at index: Int, count: Int, littleEndian: Bool) -> Int? {
        guard index >= 0, index <= bytes.count - count else { return nil }
        var value = 0
        for offset in 0..<count {
            let byte = Int(bytes[index + (littleEndian ? count - 1 - offset : offset)])
            value = value << 8 | byte
        }
        return value
    }
}

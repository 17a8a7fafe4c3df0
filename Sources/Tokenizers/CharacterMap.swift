/// SentencePiece's `precompiled_charsmap`: which byte sequences are rewritten to which (NFKC and the like),
/// as a double-array trie (the layout of darts-clone) over zero-terminated replacements.
struct CharacterMap: Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]

    /// Nil when the map is broken. Layout: u32 bytes of the trie, its units, the replacements; little-endian.
    init?(_ bytes: ArraySlice<UInt8>) {
        func unit(_ at: Int) -> UInt32 {
            bytes[at..<at + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        guard bytes.count >= 4 else { return nil }
        let start = bytes.startIndex + 4
        let size = Int(unit(bytes.startIndex))
        guard size > 0, size % 4 == 0, size <= bytes.count - 4 else { return nil }
        units = stride(from: start, to: start + size, by: 4).map(unit)
        replacements = Array(bytes[(start + size)...])
    }

    /// The longest mapped sequence that `text` starts with at `start`: its length and what replaces it.
    func longestMatch(in text: [UInt8], at start: Int) -> (length: Int, replacement: ArraySlice<UInt8>)? {
        var found: (length: Int, value: Int)?
        var node = Self.offset(units[0])
        for index in start..<text.count {
            node ^= Int(text[index])
            guard node < units.count, units[node] & 0x8000_00FF == UInt32(text[index]) else { break }
            let unit = units[node]
            node ^= Self.offset(unit)
            guard node < units.count else { break }
            if unit >> 8 & 1 == 1 { found = (index - start + 1, Int(units[node] & 0x7FFF_FFFF)) }
        }
        guard let found, found.value < replacements.count else { return nil }
        return (found.length, replacements[found.value...].prefix { $0 != 0 })
    }

    private static func offset(_ unit: UInt32) -> Int {
        Int((unit >> 10) << ((unit & 0x200) >> 6))
    }
}

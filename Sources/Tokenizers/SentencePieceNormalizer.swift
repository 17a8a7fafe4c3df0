/// What SentencePiece does to a text before it looks for pieces: rewrites characters by the model's map, trims
/// and joins spaces, puts a space in front, and writes spaces as U+2581, each where the model file says so.
struct SentencePieceNormalizer: Sendable {
    static let spaceSymbol: [UInt8] = Array("\u{2581}".utf8)

    let map: CharacterMap?
    /// Stand as they are whatever the map says.
    let userDefined: PrefixMatcher
    let addsDummyPrefix: Bool
    let removesExtraSpaces: Bool
    let escapesSpaces: Bool
    let spaceIsSuffix: Bool

    func normalize(_ text: [UInt8]) -> [UInt8] {
        let space = escapesSpaces ? Self.spaceSymbol : [0x20]
        var start = 0
        if removesExtraSpaces {
            while start < text.count {
                let (length, replacement) = rewritten(text, at: start)
                guard replacement.elementsEqual([0x20]) else { break }
                start += length
            }
        }
        guard start < text.count else { return [] }
        var output: [UInt8] = []
        output.reserveCapacity(text.count * 3 / 2)
        if addsDummyPrefix && !spaceIsSuffix { output += space }
        var followsSpace = removesExtraSpaces
        while start < text.count {
            let (length, replacement) = rewritten(text, at: start)
            start += length
            let kept = followsSpace ? replacement.drop { $0 == 0x20 } : replacement
            for byte in kept {
                if byte == 0x20 { output += space } else { output.append(byte) }
            }
            if !kept.isEmpty { followsSpace = removesExtraSpaces && kept.last == 0x20 }
        }
        if removesExtraSpaces {
            while output.count >= space.count, output.suffix(space.count).elementsEqual(space) {
                output.removeLast(space.count)
            }
        }
        if addsDummyPrefix && spaceIsSuffix { output += space }
        return output
    }

    /// What the text's next character, or the longest mapped sequence, becomes.
    private func rewritten(_ text: [UInt8], at start: Int) -> (length: Int, replacement: ArraySlice<UInt8>) {
        if let length = userDefined.longestMatch(in: text, at: start) {
            return (length, text[start..<start + length])
        }
        if let found = map?.longestMatch(in: text, at: start) { return found }
        let length = Self.characterLength(at: start, in: text)
        return (length, text[start..<start + length])
    }

    /// Bytes of the UTF-8 character at `start`; never past the end.
    static func characterLength(at start: Int, in text: [UInt8]) -> Int {
        let length =
            switch text[start] {
            case 0xC0..<0xE0: 2
            case 0xE0..<0xF0: 3
            case 0xF0...: 4
            default: 1
            }
        return min(length, text.count - start)
    }
}

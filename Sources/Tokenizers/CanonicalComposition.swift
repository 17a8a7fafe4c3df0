/// Unicode normalisation form C (UAX 15).
enum CanonicalComposition {
    /// By the standard library's own tables (`_nfcCodeUnits`, public though underscored, and what its string
    /// comparison uses): Foundation would add 50 MB of ICU to a static binary for the same answer.
    static func of(_ text: String) -> String {
        // Nothing below U+0300 combines with what stands before it.
        if text.unicodeScalars.allSatisfy({ $0.value < 0x300 }) { return text }
        return String(decoding: withoutTibetanCompounds(text)._nfcCodeUnits, as: UTF8.self)
    }

    /// Spells out the three Tibetan vowel signs whose combining class is 0 though they decompose into marks:
    /// the library (6.3) takes them for the start of a segment and leaves the marks before them unordered.
    private static func withoutTibetanCompounds(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { 0xF73...0xF81 ~= $0.value }) else { return text }
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\u{F73}": scalars.append(contentsOf: "\u{F71}\u{F72}".unicodeScalars)
            case "\u{F75}": scalars.append(contentsOf: "\u{F71}\u{F74}".unicodeScalars)
            case "\u{F81}": scalars.append(contentsOf: "\u{F71}\u{F80}".unicodeScalars)
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }
}

/// Cuts text into the words that byte-pair merges never cross, as Qwen2's pattern does, written out by hand:
///
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*
///     |\s*[\r\n]+|\s+(?!\S)|\s+
///
/// (`pre_tokenizer` in Qwen2's tokenizer.json). Which scalars are letters, numbers and white space is what
/// the Swift standard library's version of Unicode says.
struct Qwen2PreTokenizer {
    private enum Kind: UInt8 {
        case letter, number, newline, space, other
    }

    private static let asciiKinds: [Kind] = (0..<128).map {
        kind(of: Unicode.Scalar(UInt8($0)).properties, $0)
    }

    private let scalars: [Unicode.Scalar]
    private let kinds: [Kind]

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
        kinds = scalars.map { scalar in
            scalar.value < 128
                ? Self.asciiKinds[Int(scalar.value)] : Self.kind(of: scalar.properties, scalar.value)
        }
    }

    private static func kind(of properties: Unicode.Scalar.Properties, _ value: UInt32) -> Kind {
        if value == 0x0A || value == 0x0D { return .newline }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            return .letter
        case .decimalNumber, .letterNumber, .otherNumber: return .number
        default: return properties.isWhitespace ? .space : .other
        }
    }

    /// Calls `body` with the UTF-8 of each word, in order; together they are the whole text.
    func forEachWord(_ body: (_ utf8: [UInt8]) -> Void) {
        var start = 0
        var word: [UInt8] = []
        word.reserveCapacity(32)
        while start < scalars.count {
            let end = endOfWord(from: start)
            word.removeAll(keepingCapacity: true)
            for scalar in scalars[start..<end] {
                if scalar.value < 128 {
                    word.append(UInt8(scalar.value))
                } else if let encoded = UTF8.encode(scalar) {
                    word.append(contentsOf: encoded)
                }
            }
            body(word)
            start = end
        }
    }

    /// The pattern's alternatives in its order; always moves by at least one scalar.
    private func endOfWord(from start: Int) -> Int {
        if let end = endOfContraction(from: start) { return end }
        let kind = kinds[start]
        switch kind {
        case .letter: return run(of: .letter, from: start)
        case .number: return start + 1
        case .newline: break
        case .space, .other:
            if holds(.letter, at: start + 1) { return run(of: .letter, from: start + 1) }
        }
        let symbols = scalars[start] == " " ? start + 1 : start
        if holds(.other, at: symbols) {
            return run(of: .newline, from: run(of: .other, from: symbols))
        }
        return endOfWhiteSpace(from: start)
    }

    /// `\s*[\r\n]+` up to the run's last line break, else `\s+(?!\S)` leaves one space to the next word.
    private func endOfWhiteSpace(from start: Int) -> Int {
        var end = start
        var afterNewline = start
        while end < kinds.count, kinds[end] == .space || kinds[end] == .newline {
            end += 1
            if kinds[end - 1] == .newline { afterNewline = end }
        }
        if afterNewline > start { return afterNewline }
        if end < kinds.count, end - start > 1 { return end - 1 }
        return end
    }

    /// `'s`, `'t`, `'m`, `'d`, `'re`, `'ve`, `'ll` in any case; U+017F (long s) folds to s.
    private func endOfContraction(from start: Int) -> Int? {
        guard scalars[start] == "'", start + 1 < scalars.count else { return nil }
        let second = start + 2 < scalars.count ? lowercased(scalars[start + 2]) : nil
        switch (lowercased(scalars[start + 1]), second) {
        case ("s", _), ("t", _), ("m", _), ("d", _), ("\u{17F}", _): return start + 2
        case ("r", "e"), ("v", "e"), ("l", "l"): return start + 3
        default: return nil
        }
    }

    private func lowercased(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        ("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) | 0x20) : scalar
    }

    private func holds(_ kind: Kind, at index: Int) -> Bool {
        index < kinds.count && kinds[index] == kind
    }

    private func run(of kind: Kind, from start: Int) -> Int {
        var end = start
        while end < kinds.count, kinds[end] == kind { end += 1 }
        return end
    }
}

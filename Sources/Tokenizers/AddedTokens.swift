/// All added tokens of a checkpoint: finds them in a text, leftmost first and longest among those.
struct AddedTokens: Sendable {
    enum Piece: Equatable {
        case text(Range<Int>)
        case token(Int32)
    }

    private struct Pattern: Sendable {
        var scalars: [Unicode.Scalar]
        var token: AddedToken
    }

    private(set) var byID: [Int: AddedToken] = [:]
    /// Keyed by UTF-8: Swift's strings compare by canonical equivalence, spellings are exact.
    private var idBySpelling: [[UInt8]: Int32] = [:]
    /// By first scalar, longest first.
    private var patterns: [Unicode.Scalar: [Pattern]] = [:]
    private(set) var hasNormalized = false

    init(_ tokens: [AddedToken]) {
        for token in tokens where !token.content.isEmpty {
            byID[token.id] = token
            idBySpelling[Array(token.content.utf8)] = Int32(token.id)
            if token.isNormalized { hasNormalized = true }
            let spelled = token.isNormalized ? CanonicalComposition.of(token.content) : token.content
            let scalars = Array(spelled.unicodeScalars)
            patterns[scalars[0], default: []].append(Pattern(scalars: scalars, token: token))
        }
        for key in patterns.keys {
            patterns[key]?.sort { $0.scalars.count > $1.scalars.count }
        }
    }

    func id(of spelling: String) -> Int32? {
        idBySpelling[Array(spelling.utf8)]
    }

    /// Cuts `text` at the added tokens whose `isNormalized` is `normalized`. The pieces, with the white space
    /// that tokens strip, cover the text in order; no piece is empty.
    func split(_ text: [Unicode.Scalar], normalized: Bool) -> [Piece] {
        var pieces: [Piece] = []
        var textStart = 0
        var index = 0
        while index < text.count {
            guard let found = match(text, at: index, normalized: normalized) else {
                index += 1
                continue
            }
            var start = index
            var end = index + found.scalars.count
            index = end
            guard !found.token.isSingleWord || standsAlone(text, start..<end) else { continue }
            if found.token.stripsLeft {
                while start > textStart, text[start - 1].properties.isWhitespace { start -= 1 }
            }
            if found.token.stripsRight {
                while end < text.count, text[end].properties.isWhitespace { end += 1 }
                index = end
            }
            if start > textStart { pieces.append(.text(textStart..<start)) }
            pieces.append(.token(Int32(found.token.id)))
            textStart = end
        }
        if textStart < text.count { pieces.append(.text(textStart..<text.count)) }
        return pieces
    }

    private func match(_ text: [Unicode.Scalar], at index: Int, normalized: Bool) -> Pattern? {
        guard let candidates = patterns[text[index]] else { return nil }
        return candidates.first {
            $0.token.isNormalized == normalized && text[index...].starts(with: $0.scalars)
        }
    }

    private func standsAlone(_ text: [Unicode.Scalar], _ range: Range<Int>) -> Bool {
        let left = range.lowerBound > 0 && isWordCharacter(text[range.lowerBound - 1])
        let right = range.upperBound < text.count && isWordCharacter(text[range.upperBound])
        return !left && !right
    }

    /// `\w` of Unicode Technical Standard 18, annex C.
    private func isWordCharacter(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark: return true
        default: return false
        }
    }
}

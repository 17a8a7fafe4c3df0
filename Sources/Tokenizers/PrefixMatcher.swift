/// Finds the longest of some byte strings that a text starts with.
struct PrefixMatcher: Sendable {
    /// By first byte, longest first.
    private var candidates = [[[UInt8]]](repeating: [], count: 256)

    init(_ strings: [[UInt8]]) {
        for string in strings where !string.isEmpty { candidates[Int(string[0])].append(string) }
        for byte in candidates.indices { candidates[byte].sort { $0.count > $1.count } }
    }

    func longestMatch(in text: [UInt8], at start: Int) -> Int? {
        candidates[Int(text[start])].first { text[start...].starts(with: $0) }?.count
    }
}

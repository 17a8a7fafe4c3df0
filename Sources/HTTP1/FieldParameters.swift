/// `*( OWS ";" OWS [ name "=" ( token / quoted-string ) ] )` (RFC 9110 section 5.6.6), as media types and
/// Content-Disposition have it. Names come out in lower case.
struct FieldParameters {
    var pairs: [(name: String, value: [UInt8])] = []

    /// - Returns: nil for what doesn't follow the grammar or names a parameter twice.
    init?(_ bytes: ArraySlice<UInt8>) {
        var rest = ByteSyntax.trimmingBlanks(bytes)
        while !rest.isEmpty {
            guard rest.removeFirst() == UInt8(ascii: ";") else { return nil }
            rest = rest.drop { ByteSyntax.isBlank($0) }
            guard let first = rest.first, first != UInt8(ascii: ";") else { continue }
            let name = rest.prefix { ByteSyntax.isToken($0) }
            rest = rest[name.endIndex...]
            guard !name.isEmpty, rest.popFirst() == UInt8(ascii: "=") else { return nil }
            guard let value = Self.takeValue(&rest) else { return nil }
            let lowercased = String(decoding: name.map { ByteSyntax.lowercase($0) }, as: UTF8.self)
            guard !pairs.contains(where: { $0.name == lowercased }) else { return nil }
            pairs.append((lowercased, value))
            rest = rest.drop { ByteSyntax.isBlank($0) }
        }
    }

    subscript(name: String) -> [UInt8]? {
        pairs.first { $0.name == name }?.value
    }

    private static func takeValue(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        guard rest.first == UInt8(ascii: "\"") else {
            let value = rest.prefix { ByteSyntax.isToken($0) }
            rest = rest[value.endIndex...]
            return value.isEmpty ? nil : Array(value)
        }
        rest.removeFirst()
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return value }
            // Only \" and \\ are escapes: some clients send Windows paths as they are.
            if byte == UInt8(ascii: "\\"), let next = rest.first,
                next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\")
            {
                value.append(next)
                rest.removeFirst()
            } else {
                value.append(byte)
            }
        }
        return nil
    }
}

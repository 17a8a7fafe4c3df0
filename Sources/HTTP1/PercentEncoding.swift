/// Percent-decoding (RFC 3986 section 2.1) to text. What does not decode to UTF-8 without NUL is refused.
public enum PercentEncoding {
    /// - Parameter plusIsSpace: form encoding, for query strings only.
    /// - Returns: nil for a `%` without two hexadecimal digits, for NUL and for what is not UTF-8.
    public static func decode(_ bytes: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String? {
        guard let decoded = decodedBytes(bytes, plusIsSpace: plusIsSpace) else { return nil }
        guard !decoded.contains(0) else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }

    static func decodedBytes(_ bytes: some Sequence<UInt8>, plusIsSpace: Bool = false) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.underestimatedCount)
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = iterator.next().flatMap(ByteSyntax.hexValue),
                    let low = iterator.next().flatMap(ByteSyntax.hexValue)
                else { return nil }
                decoded.append(high << 4 | low)
            } else if plusIsSpace && byte == UInt8(ascii: "+") {
                decoded.append(ByteSyntax.space)
            } else {
                decoded.append(byte)
            }
        }
        return decoded
    }
}

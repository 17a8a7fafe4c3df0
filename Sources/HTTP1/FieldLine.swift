/// One header field line taken apart (RFC 9112 section 5). Shared by heads, trailers and multipart parts.
enum FieldLine {
    /// - Parameter line: the line without its end; its bytes have passed `LineReader`.
    static func parse(_ line: ArraySlice<UInt8>) throws(HTTPRequestFault) -> (name: String, value: String) {
        guard let first = line.first, !ByteSyntax.isBlank(first) else { throw .foldedHeader }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .headerWithoutColon }
        let name = line[..<colon]
        guard !name.isEmpty else { throw .emptyHeaderName }
        guard ByteSyntax.isToken(name) else { throw .invalidHeaderName }
        let value = ByteSyntax.trimmingBlanks(line[(colon + 1)...])
        return (String(decoding: name, as: UTF8.self), ByteSyntax.text(value))
    }
}

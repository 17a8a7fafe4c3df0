/// `form-data; name="..."; filename="..."` of a multipart part (RFC 7578 section 4.2).
struct ContentDisposition {
    var name: String
    var filename: String?

    init(_ value: String) throws(MultipartError) {
        let bytes = Array(value.utf8)
        let semicolon = bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.endIndex
        guard ByteSyntax.same(ByteSyntax.trimmingBlanks(bytes[..<semicolon]), "form-data") else {
            throw .invalidDisposition
        }
        guard let parameters = FieldParameters(bytes[semicolon...]) else { throw .invalidDisposition }
        guard let name = try Self.text(of: "name", in: parameters) else { throw .missingName }
        self.name = name
        filename = try Self.text(of: "filename", in: parameters)
    }

    /// The extended form `name*=charset'language'percent-encoded` wins over the plain one (RFC 8187).
    private static func text(
        of name: String, in parameters: FieldParameters
    ) throws(MultipartError) -> String? {
        if let value = parameters[name + "*"] {
            guard let text = extended(value) else { throw .invalidDisposition }
            return text
        }
        return parameters[name].map { ByteSyntax.text($0[...]) }
    }

    private static func extended(_ value: [UInt8]) -> String? {
        guard let first = value.firstIndex(of: UInt8(ascii: "'")),
            let second = value[(first + 1)...].firstIndex(of: UInt8(ascii: "'"))
        else { return nil }
        let encoded = value[(second + 1)...]
        if ByteSyntax.same(value[..<first], "UTF-8") { return PercentEncoding.decode(encoded) }
        guard ByteSyntax.same(value[..<first], "ISO-8859-1"),
            let bytes = PercentEncoding.decodedBytes(encoded), !bytes.contains(0)
        else { return nil }
        return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}

/// A media type with its parameters (RFC 9110 section 8.3.1), as in Content-Type.
public struct MediaType: Sendable, Equatable {
    /// Lower case.
    public var type: String
    /// Lower case.
    public var subtype: String
    /// Names in lower case, in the order sent.
    public var parameters: [HTTPQueryItem]

    /// "type/subtype" without the parameters.
    public var essence: String { type + "/" + subtype }

    /// - Returns: nil when `text` is not a media type.
    public init?(_ text: String) {
        self.init(bytes: Array(text.utf8)[...])
    }

    init?(bytes: ArraySlice<UInt8>) {
        let semicolon = bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.endIndex
        let essence = ByteSyntax.trimmingBlanks(bytes[..<semicolon])
        guard let slash = essence.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let type = essence[..<slash]
        let subtype = essence[(slash + 1)...]
        guard ByteSyntax.isToken(type), ByteSyntax.isToken(subtype) else { return nil }
        guard let parameters = FieldParameters(bytes[semicolon...]) else { return nil }
        self.type = String(decoding: type.map { ByteSyntax.lowercase($0) }, as: UTF8.self)
        self.subtype = String(decoding: subtype.map { ByteSyntax.lowercase($0) }, as: UTF8.self)
        self.parameters = parameters.pairs.map {
            HTTPQueryItem(name: $0.name, value: ByteSyntax.text($0.value[...]))
        }
    }

    /// The value of a parameter, asked for in lower case.
    public subscript(parameter name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }
}

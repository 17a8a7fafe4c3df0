import Segmentation

/// Gathers the fields of a request, however they came (form, JSON, query string), and checks each.
struct SegmentationForm {
    static let fields = [
        "image", "image_id", "expression", "format", "mode", "threshold", "deadline_ms", "union",
    ]

    private let configuration: ServiceConfiguration
    private var picture: SegmentationQuery.Picture?
    private var query = SegmentationQuery(picture: .uploaded([]), expressions: [])
    private var seen: Set<String> = []
    /// Set between the URL's fields and the body's, of which the latter win.
    private var replacesExpressions = false

    init(_ configuration: ServiceConfiguration) {
        self.configuration = configuration
    }

    /// What is set from now on replaces what the URL said.
    mutating func beginBody() {
        seen = []
        replacesExpressions = true
    }

    mutating func setImage(_ bytes: [UInt8]) throws(APIError) {
        try once("image")
        guard !bytes.isEmpty else { throw .missingImage }
        picture = .uploaded(bytes)
    }

    /// A field that is text: everything but the picture itself.
    mutating func set(_ name: String, _ value: String) throws(APIError) {
        if name == "expression" { return try addExpression(value) }
        guard Self.fields.contains(name), name != "image" else {
            throw .unknownField(name: name, allowed: Self.fields)
        }
        try once(name)
        switch name {
        case "image_id":
            guard let digest = ImageDigest(value) else {
                throw .badValue(field: name, allowed: "the image_id of an earlier answer")
            }
            // A picture that came along is as good, and surely there.
            if case .uploaded = picture { return }
            picture = .stored(digest)
        case "format":
            guard let formats = MaskFormat.parse(value) else {
                throw .badValue(field: name, allowed: MaskFormat.allowed)
            }
            query.formats = formats
        case "mode":
            guard let mode = InferenceMode(rawValue: value) else {
                let names = InferenceMode.allCases.map(\.rawValue).joined(separator: ", ")
                throw .badValue(field: name, allowed: "one of \(names)")
            }
            query.mode = mode
        case "threshold":
            guard let threshold = Self.decimal(value), threshold > 0, threshold < 1 else {
                throw .badValue(field: name, allowed: "a number between 0 and 1, both excluded")
            }
            // In range as it was sent, so the nearest 32-bit number inside stands for it.
            query.threshold = min(max(Float(threshold), .leastNonzeroMagnitude), Float(1).nextDown)
        case "deadline_ms":
            guard let milliseconds = Int(value), (1...3_600_000).contains(milliseconds) else {
                throw .badValue(field: name, allowed: "a whole number from 1 to 3600000")
            }
            query.deadline = .milliseconds(milliseconds)
        default:
            guard value == "true" || value == "false" else {
                throw .badValue(field: name, allowed: "true or false")
            }
            query.union = value == "true"
        }
    }

    func finish() throws(APIError) -> SegmentationQuery {
        guard let picture else { throw .missingImage }
        guard !query.expressions.isEmpty else { throw .missingExpression }
        var query = query
        query.picture = picture
        return query
    }

    private mutating func addExpression(_ text: String) throws(APIError) {
        // Code points, as JSON Schema's maxLength counts.
        let (length, limit) = (text.unicodeScalars.count, configuration.expressionCharacters)
        guard length <= limit else { throw .expressionTooLong(characters: length, limit: limit) }
        let words = text.drop { $0.isWhitespace }
        guard let last = words.lastIndex(where: { !$0.isWhitespace }) else { throw .blankExpression }
        if replacesExpressions { query.expressions = [] }
        replacesExpressions = false
        query.expressions.append(String(words[...last]))
        guard query.expressions.count <= configuration.expressions else {
            throw .tooManyExpressions(limit: configuration.expressions)
        }
    }

    /// Swift's own reader also takes "0x1p-1", "nan" and "infinity".
    private static func decimal(_ text: String) -> Double? {
        text.utf8.allSatisfy { "0123456789.+-eE".utf8.contains($0) } ? Double(text) : nil
    }

    private mutating func once(_ name: String) throws(APIError) {
        guard seen.insert(name).inserted else { throw .repeatedField(name: name) }
    }
}

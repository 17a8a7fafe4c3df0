import HTTP1

/// An infer request of the Open Inference Protocol v2, with the binary tensor extension: JSON, then the
/// bytes of the inputs that have `binary_data_size`, in their order.
struct InferenceRequest {
    var id: String?
    var image: [UInt8]
    var expressions: [String]
    var parameters: [JSONMember]
    /// Outputs asked for, in order, and whether each is wanted as bytes; all of them when none is named.
    var outputs: [(name: String, isBinary: Bool)]

    static let headerLength = "Inference-Header-Content-Length"
    static let outputNames = ["masks", "boxes", "scores", "rejected", "expression_index"]

    init(_ request: HTTPRequest) throws(APIError) {
        let length = try Self.jsonLength(request)
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONParser.parse(Array(request.body[..<length]))
        } catch {
            throw .json(error)
        }
        guard case .object = document else { throw .wrongType(field: "body", expected: "a JSON object") }
        if let id = document["id"], id != .null {
            guard let text = id.string else { throw .wrongType(field: "id", expected: "a string") }
            self.id = text
        }
        parameters = try Self.members(document["parameters"], field: "parameters")
        outputs = try Self.outputs(document["outputs"], parameters)
        guard let inputs = document["inputs"]?.array else {
            throw .wrongType(field: "inputs", expected: "an array of tensors")
        }
        var reader = InputTensorReader(blobs: request.body[length...])
        var image: [[UInt8]]?
        var expressions: [[UInt8]]?
        for input in inputs {
            let (name, elements) = try reader.read(input, base64: "image")
            switch name {
            case "image" where image == nil: image = elements
            case "expression" where expressions == nil: expressions = elements
            case "image", "expression": throw .repeatedField(name: name)
            default: throw .unknownField(name: name, allowed: ["image", "expression"])
            }
        }
        try reader.finish()
        guard let image, image.count == 1, let picture = image.first, !picture.isEmpty else {
            throw .missingImage
        }
        self.image = picture
        self.expressions = try (expressions ?? []).map { (bytes) throws(APIError) in
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw .badValue(field: "expression", allowed: "text in UTF-8")
            }
            return text
        }
    }

    /// Bytes of JSON at the start of the body.
    private static func jsonLength(_ request: HTTPRequest) throws(APIError) -> Int {
        guard let text = request.head.headers[headerLength] else { return request.body.count }
        guard let length = Int(text), !text.hasPrefix("+"), (0...request.body.count).contains(length) else {
            throw .malformed("\(headerLength) has to be a whole number, at most the length of the body")
        }
        // 0 means one raw input; this model has two.
        guard length > 0 else { throw .missingExpression }
        return length
    }

    private static func members(_ value: JSONValue?, field: String) throws(APIError) -> [JSONMember] {
        switch value {
        case nil, .null?: return []
        case .object(let members)?: return members
        default: throw .wrongType(field: field, expected: "an object")
        }
    }

    private static func outputs(
        _ value: JSONValue?, _ parameters: [JSONMember]
    ) throws(APIError) -> [(name: String, isBinary: Bool)] {
        let allBinary = parameters.first { $0.name == "binary_data_output" }?.value.bool ?? false
        guard let value, value != .null, value != [] else { return outputNames.map { ($0, allBinary) } }
        guard let elements = value.array else { throw .wrongType(field: "outputs", expected: "an array") }
        return try elements.map { (element) throws(APIError) in
            guard let name = element["name"]?.string else {
                throw .wrongType(field: "outputs", expected: "objects with a name")
            }
            guard outputNames.contains(name) else {
                throw .badValue(field: "outputs", allowed: "named \(outputNames.joined(separator: ", "))")
            }
            let own = try members(element["parameters"], field: "parameters")
            return (name, own.first { $0.name == "binary_data" }?.value.bool ?? allBinary)
        }
    }
}

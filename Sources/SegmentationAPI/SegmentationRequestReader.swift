import HTTP1

/// Turns the three accepted bodies into one query: a form, JSON, or a picture with the rest in the URL.
struct SegmentationRequestReader {
    static let contentTypes = [
        "multipart/form-data", "application/json", "image/jpeg", "image/png", "image/webp",
        "application/octet-stream",
    ]

    let configuration: ServiceConfiguration

    func read(_ request: HTTPRequest) throws(APIError) -> SegmentationQuery {
        var form = SegmentationForm(configuration)
        for item in request.head.query { try form.set(item.name, item.value) }
        form.beginBody()
        let contentType = request.head.headers["Content-Type"]
        let media = contentType.flatMap { MediaType($0) }
        switch media?.essence {
        case "multipart/form-data": try readForm(request, contentType, into: &form)
        case "application/json": try readJSON(request.body, into: &form)
        case nil where contentType == nil, "application/octet-stream":
            try readPicture(request.body, into: &form)
        default:
            guard media?.type == "image" else {
                throw .unsupportedContentType(allowed: Self.contentTypes)
            }
            try readPicture(request.body, into: &form)
        }
        return try form.finish()
    }

    private func readPicture(_ body: [UInt8], into form: inout SegmentationForm) throws(APIError) {
        // With an image_id in the URL there is nothing to send.
        if !body.isEmpty { try form.setImage(body) }
    }

    private func readForm(
        _ request: HTTPRequest, _ contentType: String?, into form: inout SegmentationForm
    ) throws(APIError) {
        let parts: [MultipartPart]
        do throws(MultipartError) {
            let boundary = try MultipartBoundary.find(contentType: contentType)
            parts = try MultipartParser.parse(
                body: request.body, boundary: boundary, limits: configuration.multipart)
        } catch {
            throw .multipart(error)
        }
        for part in parts {
            if part.name == "image" {
                try form.setImage(Array(part.body))
            } else {
                guard let value = String(validating: part.body, as: UTF8.self) else {
                    throw .badValue(field: part.name, allowed: "text in UTF-8")
                }
                try form.set(part.name, value)
            }
        }
    }

    private func readJSON(_ body: [UInt8], into form: inout SegmentationForm) throws(APIError) {
        guard !body.isEmpty else { throw .malformed("the body is empty; it has to be a JSON object") }
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONParser.parse(body)
        } catch {
            throw .json(error)
        }
        guard case .object(let members) = document else {
            throw .wrongType(field: "body", expected: "a JSON object")
        }
        for member in members { try read(member, into: &form) }
    }

    private func read(_ member: JSONMember, into form: inout SegmentationForm) throws(APIError) {
        switch (member.name, member.value) {
        case ("image", .string(let text)):
            guard let bytes = Base64.decode(Self.withoutDataPrefix(text)) else { throw .notBase64 }
            try form.setImage(bytes)
        case ("image", _): throw .wrongType(field: "image", expected: "a string of base64")
        case ("expressions", .array([])): throw .missingExpression
        case ("expressions", .array(let elements)):
            for element in elements {
                guard let text = element.string else {
                    throw .wrongType(field: "expressions", expected: "an array of strings")
                }
                try form.set("expression", text)
            }
        case ("expressions", _): throw .wrongType(field: "expressions", expected: "an array of strings")
        case ("format", .array(let elements)):
            let names = elements.compactMap(\.string)
            guard names.count == elements.count else {
                throw .wrongType(field: "format", expected: "a string or an array of strings")
            }
            try form.set("format", names.joined(separator: ","))
        case ("threshold", .number(let number)), ("deadline_ms", .number(let number)):
            try form.set(member.name, Int(exactly: number).map { String($0) } ?? "\(number)")
        case ("threshold", _), ("deadline_ms", _): throw .wrongType(field: member.name, expected: "a number")
        case ("union", .bool(let value)): try form.set("union", value ? "true" : "false")
        case ("union", _): throw .wrongType(field: "union", expected: "true or false")
        case (let name, let value):
            guard SegmentationForm.fields.contains(name) else {
                throw .unknownField(name: name, allowed: SegmentationForm.fields + ["expressions"])
            }
            guard let text = value.string else { throw .wrongType(field: name, expected: "a string") }
            try form.set(name, text)
        }
    }

    /// `data:image/png;base64,...` is what browsers make of a file.
    private static func withoutDataPrefix(_ text: String) -> String {
        guard text.hasPrefix("data:"), let comma = text.firstIndex(of: ",") else { return text }
        return String(text[text.index(after: comma)...])
    }
}

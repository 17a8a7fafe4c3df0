import HTTP1

/// `/openapi.json`: the document beside this file, with this server's version, limits and model put in.
enum OpenAPIDocument {
    static func response(_ configuration: ServiceConfiguration, model: String?) -> HTTPResponse {
        guard let document = document(configuration, model: model) else {
            return Problem(.internalError).response(requestID: "")
        }
        return HTTPResponse(
            status: 200, headers: ["Content-Type": "application/json"], body: .bytes(document.encoded()))
    }

    static func document(_ configuration: ServiceConfiguration, model: String?) -> JSONValue? {
        guard let document = try? JSONParser.parse(PackageResources.openapi_json) else { return nil }
        return document.replacing { name, value, parent in
            switch name {
            case "version" where parent["title"] != nil: .string(configuration.version)
            case "schema" where parent["name"] == "model" && parent["in"] == "path":
                model.map { ["type": "string", "enum": [.string($0)]] }
            case "maxLength" where value == 512: JSONValue(configuration.expressionCharacters)
            case "maxItems" where value == 32: JSONValue(configuration.expressions)
            default: nil
            }
        }
    }
}

extension JSONValue {
    /// A copy in which each object member for which `change(name, value, object)` gives a value has that one.
    fileprivate func replacing(_ change: (String, JSONValue, JSONValue) -> JSONValue?) -> JSONValue {
        switch self {
        case .object(let members):
            .object(
                members.map {
                    JSONMember($0.name, change($0.name, $0.value, self) ?? $0.value.replacing(change))
                })
        case .array(let elements): .array(elements.map { $0.replacing(change) })
        default: self
        }
    }
}

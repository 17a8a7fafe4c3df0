import Segmentation

/// What Label Studio asks with `POST /predict`: its tasks, and what to find in their pictures.
struct LabelStudioQuery: Sendable {
    let tasks: [JSONValue]
    let configuration: LabelingConfiguration
    let phrases: [String]

    /// Takes milliseconds of processor time: called on the pool.
    init(_ body: [UInt8]) throws(APIError) {
        let document: JSONValue
        do throws(JSONError) {
            // Label Studio sends along what it has of a task already: run lengths by the hundred thousand.
            document = try JSONParser.parse(body, unread: ["annotations", "drafts", "predictions", "rle"])
        } catch {
            throw .json(error)
        }
        guard let tasks = document["tasks"]?.array else {
            throw .wrongType(field: "tasks", expected: "an array of tasks")
        }
        guard let configuration = document["label_config"]?.string.flatMap({ LabelingConfiguration($0) })
        else {
            throw .badValue(
                field: "label_config",
                allowed: "a configuration with BrushLabels or RectangleLabels for an Image")
        }
        switch document["params"] {
        case nil, .null, .object: break
        default: throw .wrongType(field: "params", expected: "an object")
        }
        let regions = document["params"]?["context"]?["result"]?.array ?? []
        self.tasks = tasks
        self.configuration = configuration
        phrases = Self.phrases(regions, configuration)
        guard !phrases.isEmpty else { throw .missingExpression }
    }

    /// What the annotator typed into a text area, else the label of what they drew, else every label there is.
    private static func phrases(_ regions: [JSONValue], _ configuration: LabelingConfiguration) -> [String] {
        if let typed = regions.lazy.compactMap({ Self.text($0["value"]?["text"]) }).first { return [typed] }
        let drawn = regions.flatMap { $0["value"]?[configuration.control.rawValue]?.array ?? [] }
            .compactMap(\.string)
        return drawn.isEmpty ? configuration.labels : configuration.labels.filter(drawn.contains)
    }

    /// A string, or an array of what was typed so far: the last is what the annotator waits for.
    private static func text(_ value: JSONValue?) -> String? {
        let texts = value?.array?.compactMap(\.string) ?? [value?.string].compactMap { $0 }
        return texts.last { $0.contains { !$0.isWhitespace } }
    }
}

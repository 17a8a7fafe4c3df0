import HTTP1
import Observability
import Segmentation
import Serving

/// Label Studio's ML backend protocol, below `/label-studio/`: its server asks for predictions of tasks and
/// gets brush masks (or boxes) that it can show and edit.
struct LabelStudioBackend: Sendable {
    let pipeline: SegmentationPipeline
    let files: LabelStudioFiles

    private var modelVersion: String { pipeline.engine.model?.name ?? "loading" }

    var health: HTTPResponse { .json(["status": "UP", "model_class": "mllmseg"]) }

    var setup: HTTPResponse { .json(["model_version": .string(modelVersion)]) }

    /// One entry for each task, always; a rejection is an entry without results.
    func predict(_ request: HTTPRequest, _ context: RequestContext) async throws(APIError) -> HTTPResponse {
        let first = try pipeline.admit()
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONParser.parse(request.body)
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
        let prompt = document["params"]?["context"]?["result"]?[0]?["value"]?["text"]
        let phrases = Self.phrases(prompt) ?? configuration.labels
        guard !phrases.isEmpty else { throw .missingExpression }
        var entries: [JSONValue] = []
        for (index, task) in tasks.enumerated() {
            let admission = index == 0 ? first : pipeline.engine.readmit()
            entries.append(try await prediction(task, phrases, configuration, admission, context))
        }
        return .json(["results": .array(entries)])
    }

    /// What the annotator typed: a string, or an array whose first element counts.
    private static func phrases(_ value: JSONValue?) -> [String]? {
        guard let text = value?[0]?.string ?? value?.string, text.contains(where: { !$0.isWhitespace }) else {
            return nil
        }
        return [text]
    }

    private func prediction(
        _ task: JSONValue, _ phrases: [String], _ configuration: LabelingConfiguration,
        _ admission: Admission,
        _ context: RequestContext
    ) async throws(APIError) -> JSONValue {
        guard let value = task["data"]?[configuration.dataKey]?.string else { throw .missingImage }
        let (query, picture) = try await pipeline.pool.run { () throws(APIError) in
            guard let bytes = files.picture(value) else {
                throw .badValue(
                    field: configuration.dataKey,
                    allowed: "a data: URI or a file below the folder set for Label Studio")
            }
            var form = SegmentationForm(pipeline.configuration)
            try form.setImage(bytes)
            for phrase in phrases { try form.set("expression", phrase) }
            let query = try form.finish()
            return (query, try pipeline.picture(query.picture))
        }
        let work = pipeline.work(query, picture, context)
        let served = try await work.run(query.expressions, admission)
        let version = modelVersion
        return try await pipeline.pool.run { () throws(APIError) in
            LabelStudioPrediction(configuration: configuration, modelVersion: version)
                .json(served.result.expressions)
        }
    }
}

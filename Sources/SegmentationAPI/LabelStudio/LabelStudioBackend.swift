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

    /// Label Studio lets people choose among these; there is one.
    var versions: HTTPResponse { .json(["versions": [.string(modelVersion)]]) }

    /// One entry for each task, always; a rejection is an entry without regions. A picture that can't be read, and
    /// whatever time no longer suffices for, is an entry without `result` among those that have one: Label Studio
    /// logs it and keeps the others, where it would throw the whole batch away or believe in an empty answer.
    func predict(_ request: HTTPRequest, _ context: RequestContext) async throws(APIError) -> HTTPResponse {
        let first = try pipeline.admit()
        let query = try await pipeline.pool.run { () throws(APIError) in try LabelStudioQuery(request.body) }
        var entries: [JSONValue] = []
        var failures: [APIError] = []
        for (index, task) in query.tasks.enumerated() {
            do throws(APIError) {
                if let late = failures.last, late.isOfTime { throw late }
                let admission = index == 0 ? first : pipeline.engine.readmit()
                entries.append(try await prediction(task, query, admission, context))
            } catch {
                guard error.isOfPicture || error.isOfTime else { throw error }
                failures.append(error)
                entries.append(LabelStudioPrediction.none(modelVersion, Problem(error).detail))
            }
        }
        if let failure = failures.first, failures.count == entries.count { throw failure }
        return .json(["results": .array(entries)])
    }

    private func prediction(
        _ task: JSONValue, _ asked: LabelStudioQuery, _ admission: Admission, _ context: RequestContext
    ) async throws(APIError) -> JSONValue {
        let configuration = asked.configuration
        let (query, picture) = try await pipeline.pool.run { () throws(APIError) in
            guard let value = task["data"]?[configuration.dataKey]?.string else { throw .missingImage }
            guard let bytes = files.picture(value) else {
                throw .badValue(field: configuration.dataKey, allowed: files.allowed)
            }
            var form = SegmentationForm(pipeline.configuration)
            try form.setImage(bytes)
            for phrase in asked.phrases { try form.set("expression", phrase) }
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

extension APIError {
    /// The task's picture is at fault, not the request as a whole nor the server.
    fileprivate var isOfPicture: Bool {
        switch self {
        case .missingImage, .badValue, .image: true
        default: false
        }
    }

    /// The deadline of the whole request has passed.
    fileprivate var isOfTime: Bool {
        if case .serving(.deadlinePassed) = self { true } else { false }
    }
}

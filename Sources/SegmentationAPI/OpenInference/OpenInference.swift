import HTTP1
import Serving

/// The Open Inference Protocol v2 (KServe, Triton clients): one model with the inputs `image` BYTES[1] and
/// `expression` BYTES[-1], and the outputs `masks` UINT8[n,H,W] (0 and 1), `boxes` FP32[n,4] (x, y, width,
/// height in pixels), `scores` FP32[n], `rejected` BOOL[k] and `expression_index` INT32[n].
struct OpenInference: Sendable {
    static let version = "1"

    let pipeline: SegmentationPipeline

    private var engine: Engine { pipeline.engine }

    var server: HTTPResponse {
        .json([
            "name": "mllmseg", "version": .string(pipeline.configuration.version),
            "extensions": ["binary_tensor_data"],
        ])
    }

    var models: HTTPResponse {
        .json(["models": .array(engine.model.map { [.string($0.name)] } ?? [])])
    }

    func metadata(_ parameters: [String: String]) throws(APIError) -> HTTPResponse {
        let name = try check(parameters)
        func tensor(_ name: String, _ type: TensorType, _ shape: [Int]) -> JSONValue {
            [
                "name": .string(name), "datatype": .string(type.rawValue),
                "shape": .array(shape.map { JSONValue($0) }),
            ]
        }
        return .json([
            "name": .string(name), "versions": [.string(Self.version)], "platform": "mllmseg",
            "inputs": [tensor("image", .bytes, [1]), tensor("expression", .bytes, [-1])],
            "outputs": [
                tensor("masks", .uint8, [-1, -1, -1]), tensor("boxes", .float32, [-1, 4]),
                tensor("scores", .float32, [-1]), tensor("rejected", .bool, [-1]),
                tensor("expression_index", .int32, [-1]),
            ],
        ])
    }

    func ready(_ parameters: [String: String]) throws(APIError) -> HTTPResponse {
        .json(["name": .string(try check(parameters)), "ready": true])
    }

    func infer(
        _ request: HTTPRequest, _ parameters: [String: String], _ context: RequestContext
    ) async throws(APIError) -> HTTPResponse {
        _ = try check(parameters)
        let admission = try pipeline.admit()
        let (inference, query, picture) = try await pipeline.pool.run { () throws(APIError) in
            let inference = try InferenceRequest(request)
            let query = try checked(inference)
            return (inference, query, try pipeline.picture(query.picture))
        }
        let work = pipeline.work(query, picture, context)
        let served = try await work.run(query.expressions, admission)
        return try await pipeline.pool.run { () throws(APIError) in
            try InferenceAnswer(request: inference, work: work, results: served.result.expressions).response()
        }
    }

    /// The same checks as for `/segment`. Of the parameters, those that are ours count; clients send others
    /// (sequence_id, priority) as a matter of course.
    private func checked(_ inference: InferenceRequest) throws(APIError) -> SegmentationQuery {
        var form = SegmentationForm(pipeline.configuration)
        try form.setImage(inference.image)
        for expression in inference.expressions { try form.set("expression", expression) }
        for member in inference.parameters where ["threshold", "mode", "deadline_ms"].contains(member.name) {
            switch member.value {
            case .string(let text): try form.set(member.name, text)
            case .number(let number):
                try form.set(member.name, Int(exactly: number).map { String($0) } ?? "\(number)")
            default: throw .wrongType(field: member.name, expected: "a string or a number")
            }
        }
        return try form.finish()
    }

    /// The model's name, when the path names it in its only version.
    private func check(_ parameters: [String: String]) throws(APIError) -> String {
        guard let model = engine.model else { throw .serving(.notReady(engine.status.phase)) }
        guard parameters["model"] == model.name, parameters["version"] ?? Self.version == Self.version else {
            throw .unknownModel(served: model.name, version: Self.version)
        }
        return model.name
    }
}

extension HTTPResponse {
    static func json(_ value: JSONValue, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: ["Content-Type": "application/json", "Cache-Control": "no-store"],
            body: .bytes(value.encoded()))
    }
}

import HTTP1
import Segmentation

/// The answer to an infer request: JSON, then the tensors that are wanted as bytes.
struct InferenceAnswer {
    let request: InferenceRequest
    let work: SegmentationWork
    let results: [ExpressionResult]

    /// Masks of many phrases on a large picture would fill the memory: 413 beyond.
    static let maximumMaskBytes = 256 << 20

    func response() throws(APIError) -> HTTPResponse {
        var blobs: [UInt8] = []
        var descriptions: [JSONValue] = []
        for output in request.outputs {
            let tensor = try tensor(output.name)
            var members = [
                JSONMember("name", .string(tensor.name)),
                JSONMember("shape", .array(tensor.shape.map { JSONValue($0) })),
                JSONMember("datatype", .string(tensor.type.rawValue)),
            ]
            if output.isBinary {
                let binary = tensor.binary
                members.append(JSONMember("parameters", ["binary_data_size": JSONValue(binary.count)]))
                blobs += binary
            } else {
                members.append(JSONMember("data", tensor.json))
            }
            descriptions.append(.object(members))
        }
        let document: JSONValue = [
            "id": .string(request.id ?? work.context.id),
            "model_name": .string(work.engine.model?.name ?? ""),
            "model_version": .string(OpenInference.version), "outputs": .array(descriptions),
        ]
        let json = document.encoded()
        var headers: HTTPHeaders = [
            "Content-Type": "application/json", "X-Image-Digest": work.picture.digest.header,
        ]
        if request.outputs.contains(where: \.isBinary) {
            headers["Content-Type"] = "application/octet-stream"
            headers[InferenceRequest.headerLength] = String(json.count)
        }
        return HTTPResponse(status: 200, headers: headers, body: .bytes(json + blobs))
    }

    private var masks: [(index: Int, scored: ScoredMask)] {
        results.enumerated().flatMap { index, result in result.masks.map { (index, $0) } }
    }

    private func tensor(_ name: String) throws(APIError) -> OutputTensor {
        let masks = masks
        switch name {
        case "masks":
            let image = work.picture.image
            let bytes = masks.count * image.width * image.height
            guard bytes <= Self.maximumMaskBytes else {
                throw .refused(status: 413, detail: "the masks have \(bytes) bytes; ask for fewer phrases")
            }
            return OutputTensor(
                name: name, shape: [masks.count, image.height, image.width],
                elements: .uint8(masks.flatMap(\.scored.mask.pixels)))
        case "boxes":
            let boxes = masks.flatMap { $0.scored.mask.boundingBox.xywh.map { Float($0) } }
            return OutputTensor(name: name, shape: [masks.count, 4], elements: .float32(boxes))
        case "scores":
            return OutputTensor(
                name: name, shape: [masks.count], elements: .float32(masks.map(\.scored.score)))
        case "rejected":
            return OutputTensor(
                name: name, shape: [results.count], elements: .bool(results.map(\.rejected)))
        default:
            return OutputTensor(
                name: name, shape: [masks.count], elements: .int32(masks.map { Int32($0.index) }))
        }
    }
}

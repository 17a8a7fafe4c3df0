import Segmentation
import Serving

/// The JSON answer of `POST /segment`.
struct AnswerDocument {
    let work: SegmentationWork
    let served: ServedResult

    func encoded() throws(APIError) -> [UInt8] {
        let start = ContinuousClock.now
        let results = served.result.expressions
        var members = head
        var encoded: [JSONValue] = []
        for result in results { encoded.append(try work.encoder.json(result)) }
        members.append(JSONMember("results", .array(encoded)))
        if work.query.formats.contains(.overlay) {
            members.append(
                JSONMember("overlay", .string(Base64.encode(try work.encoder.overlayPNG(results)))))
        }
        members += tail(encodeSeconds: (ContinuousClock.now - start).seconds)
        return JSONValue.object(members).encoded()
    }

    /// One line of a stream: the answer to one expression, complete in itself.
    func line(index: Int, _ result: ExpressionResult) throws(APIError) -> [UInt8] {
        let start = ContinuousClock.now
        var members = head + [JSONMember("index", JSONValue(index))]
        guard case .object(let answer) = try work.encoder.json(result) else { throw .internalError }
        members += answer + tail(encodeSeconds: (ContinuousClock.now - start).seconds)
        return JSONValue.object(members).encoded() + [UInt8(ascii: "\n")]
    }

    private var head: [JSONMember] {
        let picture = work.picture
        let model = work.engine.model
        return [
            JSONMember("id", .string(work.context.id)),
            JSONMember("model", .string(model?.name ?? "")),
            JSONMember("can_reject", .bool(model?.canReject ?? false)),
            JSONMember(
                "image",
                [
                    "width": JSONValue(picture.image.width), "height": JSONValue(picture.image.height),
                    "sha256": .string(picture.digest.hexadecimal),
                    "image_id": .string(picture.digest.hexadecimal),
                    "exif_orientation": JSONValue(picture.exifOrientation),
                ]),
        ]
    }

    private func tail(encodeSeconds: Double) -> [JSONMember] {
        let timings = served.result.timings
        return [
            JSONMember(
                "timings_ms",
                [
                    "queue": JSONValue(millisecondsOf: max(0, served.queueWait - work.decodeSeconds)),
                    "decode": JSONValue(millisecondsOf: work.decodeSeconds),
                    "resize": JSONValue(millisecondsOf: timings.resize),
                    "vision": JSONValue(millisecondsOf: timings.vision),
                    "language": JSONValue(millisecondsOf: timings.language),
                    "mask": JSONValue(millisecondsOf: timings.mask),
                    "encode": JSONValue(millisecondsOf: encodeSeconds),
                ]),
            JSONMember("cache", ["image": served.result.imageCacheHit ? "hit" : "miss"]),
        ]
    }
}

import Images
import Segmentation

/// Turns the model's answer into what the client asked for. Runs on the decode pool.
package struct ResultEncoder: Sendable {
    let image: RGBImage
    let formats: [MaskFormat]
    let union: Bool

    /// - Parameter union: one mask for each expression instead of one for each target.
    package init(image: RGBImage, formats: [MaskFormat], union: Bool = false) {
        self.image = image
        self.formats = formats
        self.union = union
    }

    /// One element of `results`.
    package func json(_ result: ExpressionResult) throws(APIError) -> JSONValue {
        let masks = union && result.masks.count > 1 ? [Self.union(result.masks)] : result.masks
        var encoded: [JSONValue] = []
        for mask in masks { encoded.append(try json(mask)) }
        var members = [
            JSONMember("expression", .string(result.expression)),
            JSONMember("rejected", .bool(result.rejected)),
        ]
        if !result.rejected { members.append(JSONMember("score", JSONValue(rounding: Self.score(masks)))) }
        members.append(
            JSONMember("reject_score", result.rejectionScore.map { JSONValue(rounding: $0) } ?? .null))
        members.append(JSONMember("masks", .array(encoded)))
        return .object(members)
    }

    private func json(_ scored: ScoredMask) throws(APIError) -> JSONValue {
        let mask = scored.mask
        var members = [
            JSONMember("bbox", .array(mask.boundingBox.xywh.map { JSONValue($0) })),
            JSONMember("area", JSONValue(mask.area)),
            JSONMember("score", JSONValue(rounding: scored.score)),
        ]
        for format in formats {
            switch format {
            case .png: members.append(JSONMember("png", .string(Base64.encode(try Self.png(mask)))))
            case .cocoRLE: members.append(JSONMember("coco_rle", Self.json(COCORunLength(mask))))
            case .polygon: members.append(JSONMember("polygon", .array(mask.polygons.map(Self.json))))
            case .labelStudioRLE:
                let bytes = LabelStudioRunLength(mask).bytes
                members.append(JSONMember("label_studio_rle", .array(bytes.map { JSONValue(Int($0)) })))
            case .overlay, .none: break
            }
        }
        return .object(members)
    }

    /// The union of all masks of all expressions, white on black.
    package func unionPNG(_ results: [ExpressionResult]) throws(APIError) -> [UInt8] {
        var union = Mask(width: image.width, height: image.height)
        for mask in results.flatMap(\.masks) { union.formUnion(mask.mask) }
        return try Self.png(union)
    }

    /// The picture with each expression's masks in a colour of its own.
    package func overlayPNG(_ results: [ExpressionResult]) throws(APIError) -> [UInt8] {
        var overlay = Overlay(image)
        for (index, result) in results.enumerated() {
            for mask in result.masks { overlay.draw(mask.mask, colour: index) }
        }
        do {
            return try PNGEncoder.encode(overlay.image)
        } catch {
            throw .internalError
        }
    }

    /// Mean probability over the pixels of all masks; 0 when there are none.
    static func score(_ masks: [ScoredMask]) -> Float {
        if masks.count == 1 { return masks[0].score }
        let areas = masks.map { Float($0.mask.area) }
        let total = areas.reduce(0, +)
        guard total > 0 else { return 0 }
        return zip(masks, areas).reduce(0) { $0 + $1.0.score * $1.1 } / total
    }

    private static func union(_ masks: [ScoredMask]) -> ScoredMask {
        var union = Mask(width: masks[0].mask.width, height: masks[0].mask.height)
        for mask in masks { union.formUnion(mask.mask) }
        return ScoredMask(mask: union, score: score(masks))
    }

    private static func png(_ mask: Mask) throws(APIError) -> [UInt8] {
        do {
            return try PNGEncoder.encode(
                mask.pixels, width: mask.width, height: mask.height, layout: .bilevel)
        } catch {
            throw .internalError
        }
    }

    private static func json(_ runs: COCORunLength) -> JSONValue {
        ["size": [JSONValue(runs.height), JSONValue(runs.width)], "counts": .string(runs.compressedCounts)]
    }

    private static func json(_ polygon: Polygon) -> JSONValue {
        func ring(_ corners: [PixelCorner]) -> JSONValue {
            .array(corners.map { [JSONValue($0.x), JSONValue($0.y)] })
        }
        return ["outer": ring(polygon.outer), "holes": .array(polygon.holes.map(ring))]
    }
}

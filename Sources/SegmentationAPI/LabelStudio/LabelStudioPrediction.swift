import Observability
import Segmentation

/// One task's entry in a reply to `/predict`.
struct LabelStudioPrediction {
    let configuration: LabelingConfiguration
    let modelVersion: String

    func json(_ results: [ExpressionResult]) -> JSONValue {
        var regions: [JSONValue] = []
        var best: Float = 0
        for result in results {
            let label = configuration.label(for: result.expression)
            for scored in result.masks where scored.mask.area > 0 {
                regions.append(region(scored, label))
                best = max(best, scored.score)
            }
        }
        return [
            "model_version": .string(modelVersion), "score": JSONValue(rounding: best),
            "result": .array(regions),
        ]
    }

    /// The entry of a task that has no answer. Without `result` nobody takes it for a rejection.
    static func none(_ modelVersion: String, _ detail: String) -> JSONValue {
        ["model_version": .string(modelVersion), "error": .string(detail)]
    }

    private func region(_ scored: ScoredMask, _ label: String) -> JSONValue {
        let mask = scored.mask
        return [
            "id": .string(String(RequestID.accept(nil).prefix(8))),
            "from_name": .string(configuration.fromName), "to_name": .string(configuration.toName),
            "type": .string(configuration.control.rawValue), "original_width": JSONValue(mask.width),
            "original_height": JSONValue(mask.height), "image_rotation": 0,
            "score": JSONValue(rounding: scored.score), "value": value(mask, label),
        ]
    }

    /// Brush runs, or a box in percent of the picture.
    private func value(_ mask: Mask, _ label: String) -> JSONValue {
        switch configuration.control {
        case .brush:
            let runs = LabelStudioRunLength(mask).bytes
            return [
                "format": "rle", "rle": .array(runs.map { JSONValue(Int($0)) }),
                "brushlabels": [.string(label)],
            ]
        case .rectangle:
            let box = mask.boundingBox
            func percent(_ part: Int, _ whole: Int) -> JSONValue {
                .number((Double(part) * 1e8 / Double(whole)).rounded() / 1e6)
            }
            return [
                "x": percent(box.x, mask.width), "y": percent(box.y, mask.height),
                "width": percent(box.width, mask.width), "height": percent(box.height, mask.height),
                "rotation": 0, "rectanglelabels": [.string(label)],
            ]
        }
    }
}

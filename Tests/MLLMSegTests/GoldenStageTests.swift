import Checkpoints
import Foundation
import MLLMSeg
import Tensors
import Testing

/// The whole network against an independent implementation's numbers, stage by stage.
@Suite(.serialized) struct GoldenStageTests {
    @Test(arguments: ["qwen2_merged", "qwen2_lora", "internlm2_merged"], [false, true])
    func everyStageAgrees(name: String, mapped: Bool) throws {
        try compare(name, folder: GoldenFile.folder, mapped: mapped, limit: 1e-4)
    }

    /// Other dimensions, seeds and LoRA ranks, up to the true 1B shapes: 24 + 24 layers may differ by 1e-3.
    @Test(
        .enabled(
            if: GoldenFile.generatedFolder != nil,
            "set MLLMSEG_GOLDEN to a folder written by Tests/Reference/large_checkpoint.py"),
        arguments: GoldenFile.generatedNames)
    func generatedCheckpointsAgree(name: String) throws {
        try compare(name, folder: #require(GoldenFile.generatedFolder), mapped: true, limit: 1e-3)
    }

    private func compare(_ name: String, folder: String, mapped: Bool, limit: Float) throws {
        let golden = try GoldenFile(name, folder: folder)
        let directory = folder + "/" + name
        let network = try MLLMSegNetwork(
            ModelConfiguration.read(directory: directory), checkpoint: Checkpoint(directory: directory),
            mapped: mapped)
        for label in golden.facts.cases.keys.sorted() {
            try compare(network, golden, label, name: name, limit: limit)
        }
    }

    /// Runs one case and compares every stage that the reference recorded, and its masks.
    private func compare(
        _ network: MLLMSegNetwork, _ golden: GoldenFile, _ label: String, name: String, limit: Float
    ) throws {
        let facts = try #require(golden.facts.cases[label])
        let image = try #require(golden.facts.images.keys.sorted().first)
        let context = ComputeContext(threads: 2)
        let collector = StageCollector()
        context.observer = { stage, matrix in collector.add(stage, matrix.values) }
        let run = try network.runForTests(
            pixels: golden.pixels("\(image).resized"), ids: golden.integers("\(label).input_ids"),
            imageToken: #require(golden.facts.special_ids["<IMG_CONTEXT>"]),
            segment: #require(golden.facts.special_ids["[SEG]"]), markers: facts.markers, in: context)

        var worst: [(stage: String, difference: Float)] = []
        for (stage, values) in collector.stages(label) {
            guard let entry = golden.tensors[stage], entry.type == .float32 else { continue }
            let expected = try golden.floats(stage)
            #expect(values.count == expected.count, "\(stage)")
            worst.append((stage, relativeDifference(values, expected)))
        }
        for (index, map) in run.maps.enumerated() {
            let expected = try golden.floats("\(label).dec\(index).prob")
            worst.append(("\(label).dec\(index).prob", relativeDifference(map, expected)))
        }
        worst.append(
            ("marker_logits", relativeDifference(run.logits, try golden.floats("\(label).marker_logits"))))
        for (stage, difference) in worst {
            print(name, stage, "largest relative difference", difference)
            #expect(difference <= limit, "\(name) \(stage)")
        }
        #expect(worst.count > 5)
        #expect(run.decisions == facts.argmax_before_marker)
        for box in facts.boxes {
            let expected = try golden.floats("\(label).dec\(box.expr).prob_\(box.size[0])x\(box.size[1])")
            let mask = network.resizeForTests(
                run.maps[box.expr], width: box.size[1], height: box.size[0], in: context)
            // Where the reference stands within a few roundings of the threshold, it decides nothing; every
            // other pixel must be equal.
            let decided = zip(mask, expected).filter { abs($1 - 0.5) > 2e-6 }
            #expect(decided.allSatisfy { ($0 == 1) == ($1 >= 0.5) }, "\(name) \(label) mask \(box.expr)")
            #expect(Double(decided.count) >= 0.999 * Double(mask.count))
        }
    }
}

/// Stages of one run: the vision encoder's, the language model's, the first [SEG]'s decoder stages.
final class StageCollector {
    private var recorded: [(String, [Float])] = []

    func add(_ stage: String, _ values: [Float]) { recorded.append((stage, values)) }

    /// Names as the reference has them; of repeated stages (one for each phrase) the first.
    func stages(_ label: String) -> [(String, [Float])] {
        var seen: Set<String> = []
        return recorded.compactMap { stage, values in
            let name =
                stage.hasPrefix("vision.")
                ? stage
                : stage.hasPrefix("dec.")
                    ? label + ".dec0." + stage.dropFirst(4)
                    : stage.hasPrefix("full.") ? label + "." + stage.dropFirst(5) : stage
            return seen.insert(name).inserted ? (name, values) : nil
        }
    }
}

/// Largest absolute difference over the largest reference magnitude.
func relativeDifference(_ values: [Float], _ expected: [Float]) -> Float {
    guard values.count == expected.count else { return .infinity }
    let scale = expected.reduce(0) { max($0, abs($1)) }
    var largest: Float = 0
    for (value, reference) in zip(values, expected) {
        let difference = abs(value - reference)
        // NaN must never pass as small.
        largest = difference.isNaN ? .infinity : max(largest, difference)
    }
    return largest / max(scale, .leastNormalMagnitude)
}

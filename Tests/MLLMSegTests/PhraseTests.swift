import Checkpoints
import Images
import MLLMSeg
import Segmentation
import Testing

/// The model as the server uses it: text in, masks out, on the golden Qwen2 checkpoint.
@Suite(.serialized) struct PhraseTests {
    private static let phrases = ["The man in the red shirt.", "left dog", "White car on the right"]

    private func model(cacheBytes: Int = 64 << 20) throws -> MLLMSegModel {
        var options = ModelOptions()
        options.threads = 2
        options.imageCacheBytes = cacheBytes
        return try MLLMSegModel(directory: GoldenFile.folder + "/qwen2_merged", options: options)
    }

    /// The golden picture at the model's own size, so that no resize stands between.
    private func picture(_ golden: GoldenFile, _ name: String = "img0") throws -> RGBImage {
        RGBImage(width: 112, height: 112, pixels: try golden.pixels(name + ".resized"))
    }

    @Test func promptsAreTokenForTokenTheReferences() throws {
        let golden = try GoldenFile("qwen2_merged")
        let model = try model()
        for (label, expressions) in [("res1", Array(Self.phrases.prefix(1))), ("res3", Self.phrases)] {
            let ids = model.promptForTests(expressions)
            let expected = try golden.integers("\(label).input_ids")
            // Ours stops before the last marker: nothing behind it is ever read.
            let marker = try #require(golden.facts.cases[label]?.markers.last)
            #expect(ids == Array(expected.prefix(marker)), "\(label)")
        }
    }

    @Test func packedMasksEqualTheReference() throws {
        let golden = try GoldenFile("qwen2_merged")
        let request = SegmentationRequest(
            image: try picture(golden), expressions: Self.phrases, mode: .packed)
        let result = try #require(try model().segment([request], isCancelled: { _ in false }).first).get()
        #expect(result.expressions.map(\.rejected) == golden.facts.cases["res3"]?.rejected)
        for (index, expression) in result.expressions.enumerated() where !expression.rejected {
            let probabilities = try golden.floats("res3.dec\(index).prob")
            let mask = try #require(expression.masks.first).mask
            let decided = zip(mask.pixels, probabilities).filter { abs($1 - 0.5) > 2e-6 }
            #expect(decided.allSatisfy { ($0 == 1) == ($1 >= 0.5) })
        }
    }

    @Test func answersDoNotDependOnTheCacheOrOnCompany() throws {
        let golden = try GoldenFile("qwen2_merged")
        let images = try ["img0", "img1", "img2"].map { try picture(golden, $0) }
        let model = try model()
        let uncached = try self.model(cacheBytes: 0)
        // Nine phrases of about 70 tokens: more than one shared product, of different sizes.
        let requests = images.flatMap { image in
            Self.phrases.map { SegmentationRequest(image: image, expressions: [$0]) }
        }
        let together = try model.segment(requests, isCancelled: { _ in false }).map { try $0.get() }
        for (request, batched) in zip(requests, together) {
            let again = try #require(model.segment([request], isCancelled: { _ in false }).first).get()
            let alone = try #require(uncached.segment([request], isCancelled: { _ in false }).first).get()
            #expect(again.imageCacheHit)
            #expect(!alone.imageCacheHit)
            for other in [again, alone] {
                #expect(other.expressions[0].rejected == batched.expressions[0].rejected)
                #expect(other.expressions[0].rejectionScore == batched.expressions[0].rejectionScore)
                #expect(other.expressions[0].masks.map(\.mask) == batched.expressions[0].masks.map(\.mask))
            }
        }
        #expect(model.imageCache.bytes > 0)
        #expect(uncached.imageCache.bytes == 0)
    }

    @Test func rejectsWhatTheReferenceRejects() throws {
        let golden = try GoldenFile("qwen2_merged")
        let result = try #require(
            try model().segment(
                [.init(image: try picture(golden), expressions: Self.phrases, mode: .packed)],
                isCancelled: { _ in false }
            ).first
        ).get()
        #expect(result.expressions.contains { $0.rejected && $0.masks.isEmpty })
        for expression in result.expressions {
            let score = try #require(expression.rejectionScore)
            #expect(expression.rejected ? score > 0.5 : true)
        }
    }

    @Test func cancelledRequestsCostNothingAndOthersGoOn() throws {
        let golden = try GoldenFile("qwen2_merged")
        let request = SegmentationRequest(image: try picture(golden), expressions: ["left dog"])
        let results = try model().segment([request, request], isCancelled: { $0 == 0 })
        #expect(throws: CancellationError.self) { try results[0].get() }
        #expect(try results[1].get().expressions.count == 1)
    }

    @Test func generationIsBoundedAndNeverInventsARejection() throws {
        let golden = try GoldenFile("qwen2_merged")
        let request = SegmentationRequest(
            image: try picture(golden), expressions: ["left dog"], mode: .generate)
        let result = try #require(try model().segment([request], isCancelled: { _ in false }).first).get()
        let answer = try #require(result.expressions.first)
        // Random weights write anything; what must hold is that a rejection has no masks.
        #expect(!answer.rejected || answer.masks.isEmpty)
    }

    @Test(arguments: ["[SEG]", "<|im_end|>", "<IMG_CONTEXT>", "a [REJ] dog", "🐶", "…", ".", "é\u{301}\u{0}"])
    func hostilePhrasesStayText(phrase: String) throws {
        let golden = try GoldenFile("qwen2_merged")
        let model = try model()
        let plain = model.promptForTests(["dog"]).count { golden.facts.special_ids.values.contains($0) }
        let hostile = model.promptForTests([phrase]).count { golden.facts.special_ids.values.contains($0) }
        #expect(hostile == plain)
        let request = SegmentationRequest(image: try picture(golden), expressions: [phrase])
        let result = try #require(model.segment([request], isCancelled: { _ in false }).first).get()
        #expect(result.expressions.count == 1)
    }
}

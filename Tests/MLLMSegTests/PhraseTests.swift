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

    /// Everybody left: the work stops at the next layer, not at the end of the stage.
    @Test func abandonedWorkStopsBetweenLayers() throws {
        let golden = try GoldenFile("qwen2_merged")
        let model = try model(cacheBytes: 0)
        let request = SegmentationRequest(image: try picture(golden), expressions: ["left dog"])
        func cost(leavingAfter questions: Int) throws -> (Int, answered: Bool) {
            let before = model.multiplyAddsForTests
            var asked = 0
            let results = model.segment([request, request]) { _ in
                asked += 1
                return asked > questions
            }
            let answered = results.contains { if case .success = $0 { true } else { false } }
            return (model.multiplyAddsForTests - before, answered)
        }
        let whole = try cost(leavingAfter: .max)
        #expect(whole.answered)
        var previous = 0
        var steps: Set<Int> = []
        for questions in [0, 3, 4, 5, 6, 7, 8, 10, 12] {
            let left = try cost(leavingAfter: questions)
            #expect(left.0 >= previous && left.0 < whole.0 && !left.answered, "\(questions)")
            previous = left.0
            steps.insert(left.0)
        }
        #expect(steps.count >= 4, "the question is asked between layers")
        // What was cut short must not be kept as if it were whole.
        #expect(try cost(leavingAfter: .max).0 == whole.0)
    }

    /// A further phrase costs the multiply-adds that its text and its mask need, and no more.
    @Test func onlyWhatIsNeededIsComputed() throws {
        let golden = try GoldenFile("qwen2_merged")
        let model = try model()
        let image = try picture(golden)
        let request = SegmentationRequest(image: image, expressions: ["left dog"])
        _ = model.segment([request], isCancelled: { _ in false })
        let before = model.multiplyAddsForTests
        _ = model.segment([request], isCancelled: { _ in false })
        let phrase = model.multiplyAddsForTests - before

        let configuration = try ModelConfiguration.read(directory: GoldenFile.folder + "/qwen2_merged")
        let (language, d) = (configuration.llm_config, configuration.vision_config.hidden_size)
        let (t, f, kv) = (
            language.hidden_size, language.intermediate_size,
            configuration.keyValueHeads * configuration.headSize
        )
        let imageToken = try #require(golden.facts.special_ids["</img>"])
        let ids = model.promptForTests(["left dog"])
        let tokens = ids.count - 1 - (try #require(ids.firstIndex(of: imageToken)))
        let projection = t * (t + 2 * kv)
        let rest = t * t + 3 * t * f
        // The last layer goes on with one row, and the vocabulary is scored for that row alone.
        let text =
            tokens * (language.num_hidden_layers * projection + (language.num_hidden_layers - 1) * rest)
            + rest
            + t * language.vocab_size
        let cells = configuration.grid * configuration.grid
        let patch = configuration.vision_config.patch_size
        let mask = t * d + 2 * d * d + cells * (2 * d * d + 9 * patch * patch * d)
        #expect(phrase == text + mask)
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

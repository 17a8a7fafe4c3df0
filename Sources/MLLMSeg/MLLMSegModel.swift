import Checkpoints
import Glibc
import Images
import Segmentation
import Tensors
import Tokenizers

/// A loaded checkpoint that answers requests. Used by one inference thread; `imageCache` by any.
public final class MLLMSegModel: SegmentationBackend, @unchecked Sendable {
    public let model: ModelDescription
    let network: MLLMSegNetwork
    let prompt: PromptTemplate
    let context: ComputeContext
    /// One context of one thread for each thread of the team, for work that is too small to share.
    let lanes: [ComputeContext]
    private let cache: ImagePrefixCache
    /// Keys and values of the prompt in front of every picture.
    private let system: KeyValueCache

    /// Loads `directory` (config.json, safetensors, tokenizer files). Errors are `CheckpointError`,
    /// `TokenizerError` or `PromptError`, each one line for a person.
    public init(directory: String, name: String? = nil, options: ModelOptions = ModelOptions()) throws {
        let configuration = try ModelConfiguration.read(directory: directory)
        let checkpoint = try Checkpoint(directory: directory)
        context = ComputeContext(threads: options.threads)
        lanes = (0..<options.threads).map { _ in ComputeContext(threads: 1) }
        network = try MLLMSegNetwork(
            configuration, checkpoint: checkpoint,
            mapped: options.weights.isMapped(storedBytes: checkpoint.storedBytes))
        let tokenizer = try TokenizerLoader.load(directory: directory)
        prompt = try PromptTemplate(name: configuration.template ?? "internvl2_5", tokenizer: tokenizer)
        try Self.check(tokenizer, configuration)
        system = try network.readSystem(prompt.system, in: context)
        cache = ImagePrefixCache(capacity: options.imageCacheBytes)
        model = ModelDescription(
            name: name ?? directory.split(separator: "/").last.map(String.init) ?? directory,
            family: configuration.family?.rawValue ?? "unknown", parameters: checkpoint.parameters,
            imageSize: configuration.vision_config.image_size,
            canReject: network.distinguishes(prompt.segment, prompt.reject))
    }

    /// Every id that the tokenizer can give must have an embedding.
    private static func check(
        _ tokenizer: any Tokenizer, _ configuration: ModelConfiguration
    ) throws(PromptError) {
        let rows = configuration.llm_config.vocab_size
        guard tokenizer.vocabularySize <= rows else {
            throw .vocabularyTooLarge(tokens: tokenizer.vocabularySize, rows: rows)
        }
    }

    /// Most tokens of phrases that share their products: more would only need more memory.
    private static let sharedTokens = 256

    public var imageCache: ImageCacheStatistics { cache.statistics }

    /// Multiply-adds of one picture below which a thread is better off with a picture of its own: between the
    /// loops of a small model its team would wait more than it works. About 50 ms of two threads.
    private static let sharedPicture = 4 << 30

    /// `isCancelled` is asked on any thread.
    public func segment(
        _ batch: [SegmentationRequest], isCancelled: (Int) -> Bool
    ) -> [Result<SegmentationResult, any Error>] {
        withoutActuallyEscaping(isCancelled) { isCancelled in
            let inputs = context.team.map(batch.count) { index, _ in
                isCancelled(index) ? nil : input(of: batch[index])
            }
            let pictures = Dictionary(grouping: batch.indices) { inputs[$0]?.input.digest ?? [] }
            let isTooSmallToShare =
                network.pictureMultiplyAdds < Self.sharedPicture && context.observer == nil
            if isTooSmallToShare, lanes.count > 1, pictures.count > 1 {
                return answerSideBySide(longestFirst(pictures), batch, inputs, isCancelled)
            }
            var run = BatchRun(requests: batch, inputs: inputs, context: context, lanes: lanes)
            return answer(&run, isCancelled)
        }
    }

    /// The requests of each picture, new pictures first: a long one that began last would leave the other threads idle.
    private func longestFirst(_ pictures: [[UInt8]: [Int]]) -> [[Int]] {
        pictures.map { (isKnown: cache.holds($0.key), members: $0.value) }
            .sorted { ($0.isKnown ? 1 : 0, $0.members[0]) < ($1.isKnown ? 1 : 0, $1.members[0]) }
            .map(\.members)
    }

    /// Each picture's requests on one thread; `pictures` holds their places in the batch. An answer is the same to the
    /// last bit whoever computes it.
    private func answerSideBySide(
        _ pictures: [[Int]], _ batch: [SegmentationRequest],
        _ inputs: [(input: ModelInput, clock: StageClock)?], _ isCancelled: (Int) -> Bool
    ) -> [Result<SegmentationResult, any Error>] {
        let shares = context.team.map(pictures.count) { picture, worker in
            let members = pictures[picture]
            var run = BatchRun(
                requests: members.map { batch[$0] }, inputs: members.map { inputs[$0] },
                context: lanes[worker], lanes: [])
            return answer(&run) { isCancelled(members[$0]) }
        }
        var results = [Result<SegmentationResult, any Error>](
            repeating: .failure(CancellationError()), count: batch.count)
        for (members, share) in zip(pictures, shares) {
            for (index, result) in zip(members, share) { results[index] = result }
        }
        return results
    }

    /// The request's picture at the model's size; `resize` says what it cost here.
    private func input(of request: SegmentationRequest) -> (input: ModelInput, clock: StageClock) {
        var clock = StageClock()
        let side = model.imageSize
        let made =
            request.input.flatMap { $0.side == side ? $0 : nil }
            ?? clock.measure(\.resize) { ModelInput(of: request.image, side: side) }
        return (made, clock)
    }

    /// Pictures first, then all phrases together, then their masks.
    private func answer(
        _ run: inout BatchRun, _ isCancelled: (Int) -> Bool
    ) -> [Result<SegmentationResult, any Error>] {
        withoutActuallyEscaping(isCancelled) { isCancelled in
            let context = run.context
            defer { context.isAbandoned = nil }
            for index in run.requests.indices where run.inputs[index] != nil && !isCancelled(index) {
                let sharing = run.sharing(index)
                context.isAbandoned = { sharing.allSatisfy(isCancelled) }
                // Nothing but abandonment stops it, and an abandoned request has no picture.
                run.pictures[index] = try? picture(of: index, in: &run)
            }
            for index in run.requests.indices where run.pictures[index] != nil && !isCancelled(index) {
                context.isAbandoned = { isCancelled(index) }
                ask(index, in: &run)
            }
            for questions in run.groups(maximumTokens: Self.sharedTokens) {
                let live = questions.filter { !isCancelled($0.request) }
                context.isAbandoned = { live.allSatisfy { isCancelled($0.request) } }
                if !live.isEmpty { try? read(live, in: &run, isCancelled) }
            }
            return run.results()
        }
    }

    /// The picture's prefix: from the cache, from this batch, or computed.
    private func picture(of index: Int, in run: inout BatchRun) throws(CancellationError) -> Picture? {
        guard let (input, resized) = run.inputs[index] else { return nil }
        var clock = resized
        if let known = cache.find(input.digest) ?? run.prefixes[input.digest] {
            return Picture(prefix: known, clock: clock, cacheHit: true)
        }
        let prefix = try network.encode(
            pixels: input.pixels, system: system, before: prompt.imageStart, after: prompt.afterImage,
            timings: &clock, in: run.context)
        cache.insert(prefix, for: input.digest)
        run.prefixes[input.digest] = prefix
        return Picture(prefix: prefix, clock: clock, cacheHit: false)
    }

    /// Turns one request into questions, or answers it at once where the model writes its answer itself.
    private func ask(_ index: Int, in run: inout BatchRun) {
        guard var picture = run.pictures[index] else { return }
        let request = run.requests[index]
        do {
            switch request.mode {
            case .independent:
                for (place, expression) in request.expressions.enumerated() {
                    run.questions.append(try question([expression], at: place, of: index, picture.prefix))
                }
            case .packed:
                run.questions.append(try question(request.expressions, at: 0, of: index, picture.prefix))
            case .generate:
                for (place, expression) in request.expressions.enumerated() {
                    run.answers[index][place] = try generate(expression, request, &picture, in: run.context)
                }
            }
            run.pictures[index] = picture
        } catch {
            run.failures[index] = error
        }
    }

    private func question(
        _ expressions: [String], at place: Int, of request: Int, _ prefix: ImagePrefix
    ) throws(ModelError) -> BatchRun.Question {
        let (ids, markers) = prompt.phrases(expressions)
        try checkLength(ids.count, prefix)
        return BatchRun.Question(
            request: request, firstExpression: place,
            phrase: PhrasePrompt(prefix: prefix, ids: ids, markers: markers))
    }

    /// Reads every decision of these questions off one pass, then decodes their masks.
    private func read(
        _ questions: [BatchRun.Question], in run: inout BatchRun, _ isCancelled: (Int) -> Bool
    ) throws(CancellationError) {
        let context = run.context
        try context.workspace.scope { () throws(CancellationError) in
            var clock = StageClock()
            let readings = try clock.measure(\.language) { () throws(CancellationError) in
                try network.read(questions.map(\.phrase), in: context)
            }
            let tokens = questions.reduce(0) { $0 + $1.phrase.ids.count }
            var row = 0
            var wanted: [BatchRun.WantedMask] = []
            for question in questions {
                guard var picture = run.pictures[question.request] else { continue }
                let share = Double(question.phrase.ids.count) / Double(tokens)
                picture.clock.add(clock.timings.language * share, to: \.language)
                run.pictures[question.request] = picture
                for marker in question.phrase.markers.indices {
                    let place = question.firstExpression + marker
                    let answer = answer(readings, row, run.requests[question.request].expressions[place])
                    run.answers[question.request][place] = answer
                    if !answer.rejected {
                        wanted.append(
                            .init(
                                request: question.request, expression: place,
                                segment: readings.hidden.rows(row..<row + 1)))
                    }
                    row += 1
                }
            }
            decode(wanted, in: &run, isCancelled)
        }
    }

    /// The decision alone; its mask comes later.
    private func answer(_ readings: PhraseReadings, _ row: Int, _ expression: String) -> ExpressionResult {
        ExpressionResult(
            expression: expression, rejected: isRejection(readings.decision(row)),
            rejectionScore: rejectionScore(readings.logits, row), masks: [])
    }

    /// Whether this token says "not in this picture". Where both markers have equal rows they always tie, and
    /// which id is lower must not pass for a decision.
    func isRejection(_ token: Int32) -> Bool {
        model.canReject && token == prompt.reject
    }

    /// softmax over the two markers alone; nil where the checkpoint can't tell them apart.
    func rejectionScore(_ logits: Matrix, _ row: Int) -> Float? {
        guard model.canReject else { return nil }
        let difference = logits[row, Int(prompt.segment)] - logits[row, Int(prompt.reject)]
        return 1 / (1 + expf(difference))
    }

    /// Positions beyond what the model was made for give nonsense, so they are refused.
    func checkLength(_ tokens: Int, _ prefix: ImagePrefix) throws(ModelError) {
        let limit = network.configuration.llm_config.max_position_embeddings ?? 32_768
        let length = prefix.count + tokens
        guard length <= limit else { throw .promptTooLong(tokens: length, limit: limit) }
    }
}

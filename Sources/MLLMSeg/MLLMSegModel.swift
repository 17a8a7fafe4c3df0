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
    private let cache: ImagePrefixCache

    /// Loads `directory` (config.json, safetensors, tokenizer files). Errors are `CheckpointError`,
    /// `TokenizerError`, `PromptError` or `BLASError`, each one line for a person.
    public init(directory: String, name: String? = nil, options: ModelOptions = ModelOptions()) throws {
        let configuration = try ModelConfiguration.read(directory: directory)
        let checkpoint = try Checkpoint(directory: directory)
        context = try ComputeContext(threads: options.threads)
        network = try MLLMSegNetwork(
            configuration, checkpoint: checkpoint,
            mapped: options.weights.isMapped(storedBytes: checkpoint.storedBytes))
        let tokenizer = try TokenizerLoader.load(directory: directory)
        prompt = try PromptTemplate(name: configuration.template ?? "internvl2_5", tokenizer: tokenizer)
        try Self.check(tokenizer, configuration, prompt)
        cache = ImagePrefixCache(capacity: options.imageCacheBytes)
        model = ModelDescription(
            name: name ?? directory.split(separator: "/").last.map(String.init) ?? directory,
            family: configuration.family?.rawValue ?? "unknown", parameters: checkpoint.parameters,
            imageSize: configuration.vision_config.image_size,
            canReject: network.distinguishes(prompt.segment, prompt.reject))
    }

    /// Every id that the tokenizer can give must have an embedding.
    private static func check(
        _ tokenizer: any Tokenizer, _ configuration: ModelConfiguration, _ prompt: PromptTemplate
    ) throws(PromptError) {
        let rows = configuration.llm_config.vocab_size
        guard tokenizer.vocabularySize <= rows else {
            throw .vocabularyTooLarge(tokens: tokenizer.vocabularySize, rows: rows)
        }
    }

    public var imageCache: ImageCacheStatistics {
        let statistics = cache.statistics
        return ImageCacheStatistics(bytes: statistics.bytes, evictions: statistics.evictions)
    }

    public func segment(
        _ batch: [SegmentationRequest], isCancelled: (Int) -> Bool
    ) -> [Result<SegmentationResult, any Error>] {
        var run = BatchRun(requests: batch, answers: [:])
        for index in batch.indices where !isCancelled(index) {
            run.pictures[index] = picture(batch[index].image, in: &run)
        }
        for index in batch.indices where run.pictures[index] != nil {
            guard !isCancelled(index) else { continue }
            run.answers[index] = Result { try answer(index, in: run) }
        }
        return batch.indices.map { run.answers[$0] ?? .failure(CancellationError()) }
    }

    /// The picture's prefix: from the cache, from this batch, or computed.
    private func picture(_ image: RGBImage, in run: inout BatchRun) -> Picture {
        var clock = StageClock()
        let side = model.imageSize
        let resized = clock.measure(\.resize) { image.resizedBicubic(width: side, height: side) }
        let key = ImagePrefixCache.Key(pixels: resized.pixels)
        if let known = cache.find(key) ?? run.prefixes[key] {
            return Picture(prefix: known, clock: clock, cacheHit: true)
        }
        let prefix = network.encode(
            pixels: resized.pixels, before: prompt.beforeImage, after: prompt.afterImage, timings: &clock,
            in: context)
        cache.insert(prefix, for: key)
        run.prefixes[key] = prefix
        return Picture(prefix: prefix, clock: clock, cacheHit: false)
    }

    private func answer(_ index: Int, in run: BatchRun) throws -> SegmentationResult {
        guard var picture = run.pictures[index] else { throw CancellationError() }
        let request = run.requests[index]
        let expressions = try context.workspace.scope {
            switch request.mode {
            case .independent:
                try request.expressions.flatMap { try read([$0], request, &picture) }
            case .packed: try read(request.expressions, request, &picture)
            case .generate: try request.expressions.map { try generate($0, request, &picture) }
            }
        }
        return SegmentationResult(
            expressions: expressions, timings: picture.clock.timings, imageCacheHit: picture.cacheHit)
    }

    /// Asks for expressions in one sequence and reads every decision off one pass.
    private func read(
        _ expressions: [String], _ request: SegmentationRequest, _ picture: inout Picture
    ) throws -> [ExpressionResult] {
        try context.workspace.scope {
            let (ids, markers) = prompt.phrases(expressions)
            try checkLength(ids.count, picture.prefix)
            let phrase = PhrasePrompt(prefix: picture.prefix, ids: ids, markers: markers)
            let readings = picture.clock.measure(\.language) { network.read([phrase], in: context) }
            return expressions.enumerated().map { marker, expression in
                let rejected = readings.decision(marker) == prompt.reject
                let masks =
                    rejected
                    ? []
                    : [mask(readings.hidden.rows(marker..<marker + 1), request, &picture)]
                return ExpressionResult(
                    expression: expression, rejected: rejected,
                    rejectionScore: rejectionScore(readings.logits, marker), masks: masks)
            }
        }
    }

    /// The mask of one [SEG] hidden state `[1, t]`, at the picture's own size.
    func mask(
        _ segment: Matrix, _ request: SegmentationRequest, _ picture: inout Picture
    ) -> ScoredMask {
        picture.clock.measure(\.mask) {
            context.workspace.scope {
                let map = context.workspace.matrix(network.decoder.side, network.decoder.side)
                network.decoder.decode(
                    segment: segment, prepared: picture.prefix.prepared, into: map, in: context)
                return MaskResizer.mask(
                    from: map, width: request.image.width, height: request.image.height,
                    threshold: request.threshold, in: context)
            }
        }
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
        let length = prefix.cache.count + tokens
        guard length <= limit else { throw .promptTooLong(tokens: length, limit: limit) }
    }
}

/// One request's picture while its batch runs.
struct Picture {
    var prefix: ImagePrefix
    var clock: StageClock
    var cacheHit: Bool
}

private struct BatchRun {
    var requests: [SegmentationRequest]
    var prefixes: [ImagePrefixCache.Key: ImagePrefix] = [:]
    var pictures: [Int: Picture] = [:]
    var answers: [Int: Result<SegmentationResult, any Error>]
}

import Checkpoints
import NeuralNetwork
import Tensors

/// The four trained parts of MLLMSeg, wired; tokens in, numbers out. No text and no pictures are known here.
public struct MLLMSegNetwork: Sendable {
    public let configuration: ModelConfiguration
    let vision: InternVisionModel
    let projector: VisionProjector
    let language: LanguageModel
    let decoder: MaskDecoder

    /// Takes every tensor of the checkpoint exactly once. `mapped` leaves bfloat16 weights in the file.
    public init(
        _ configuration: ModelConfiguration, checkpoint: Checkpoint, mapped: Bool
    ) throws(CheckpointError) {
        let loader = WeightLoader(checkpoint: checkpoint, mapped: mapped)
        self.configuration = configuration
        vision = try InternVisionModel(configuration, from: loader)
        projector = try VisionProjector(configuration, from: loader)
        language = try LanguageModel(configuration, from: loader)
        decoder = try MaskDecoder(configuration, from: loader)
        try checkpoint.finish()
    }

    /// Multiply-adds of the vision encoder's linear layers, most of what a picture costs.
    var pictureMultiplyAdds: Int {
        let encoder = configuration.vision_config
        let layer = encoder.hidden_size * (4 * encoder.hidden_size + 2 * encoder.intermediate_size)
        return encoder.num_hidden_layers * layer * (1 + vision.grid * vision.grid)
    }

    /// Whether the vocabulary head can tell the two markers apart: the released RES checkpoints can't, since
    /// both rows started equal and stayed frozen.
    func distinguishes(_ first: Int32, _ second: Int32) -> Bool {
        language.head.output(Int(first)) != language.head.output(Int(second))
    }

    /// What a model costs once: the prompt in front of every picture.
    func readSystem(_ ids: [Int32], in context: ComputeContext) throws(CancellationError) -> KeyValueCache {
        try context.workspace.scope { () throws(CancellationError) in
            let x = context.workspace.matrix(ids.count, language.width)
            language.embed(ids, into: x)
            let cache = language.newCache(tokens: ids.count)
            let sequence = LanguageModel.Sequence(
                rows: 0..<ids.count, context: [], wanted: [], cache: cache)
            _ = try language.forward(x, [sequence], stage: "system", in: context)
            return cache
        }
    }

    /// What one picture costs once: the prompt up to and with `</img>` read by the language model, and
    /// everything of the mask decoder that comes before the phrase.
    ///
    /// - Parameters:
    ///   - pixels: `[side, side, 3]` bytes at the model's own size.
    ///   - system: keys and values of what stands in front of `before`.
    ///   - before: token ids in front of the picture, `<img>` last.
    ///   - after: token ids behind it, `</img>` first.
    func encode(
        pixels: [UInt8], system: KeyValueCache, before: [Int32], after: [Int32],
        timings: inout StageClock, in context: ComputeContext
    ) throws(CancellationError) -> ImagePrefix {
        let cells = vision.grid * vision.grid
        let count = configuration.imageTokens
        return try context.workspace.scope { () throws(CancellationError) in
            let workspace = context.workspace
            let detail = workspace.matrix(cells, vision.width)
            let x = workspace.matrix(before.count + count + after.count, language.width)
            try timings.measure(\.vision) { () throws(CancellationError) in
                try vision.features(of: pixels, into: detail, in: context)
                let tokens = x.rows(before.count..<before.count + count)
                projector.apply(detail, into: tokens, in: context)
            }
            let own = language.newCache(tokens: x.rows)
            let semantics = try timings.measure(\.language) { () throws(CancellationError) in
                language.embed(before, into: x.rows(0..<before.count))
                language.embed(after, into: x.rows(before.count + count..<x.rows))
                // The state one position before each picture token: the last picture token's is never used.
                let sequence = LanguageModel.Sequence(
                    rows: 0..<x.rows, context: [system],
                    wanted: [before.count - 1..<before.count - 1 + count], cache: own)
                return try language.forward(x, [sequence], stage: "prefix", in: context)
            }
            let prepared = Matrix(rows: cells, columns: vision.width)
            timings.measure(\.mask) {
                decoder.prepare(detail: detail, semantics: semantics, into: prepared, in: context)
            }
            return ImagePrefix(system: system, own: own, prepared: prepared)
        }
    }

    /// Runs phrases that each continue a picture's prefix, as one batch. Results in the caller's scope.
    func read(
        _ phrases: [PhrasePrompt], in context: ComputeContext
    ) throws(CancellationError) -> PhraseReadings {
        let total = phrases.reduce(0) { $0 + $1.ids.count }
        let x = context.workspace.matrix(total, language.width)
        var sequences: [LanguageModel.Sequence] = []
        var row = 0
        for phrase in phrases {
            let rows = row..<row + phrase.ids.count
            language.embed(phrase.ids, into: x.rows(rows))
            sequences.append(
                .init(
                    rows: rows, context: phrase.prefix.context,
                    wanted: phrase.markers.map { $0 - 1..<$0 }))
            row = rows.upperBound
        }
        let hidden = try language.forward(x, sequences, stage: "phrases", in: context)
        return PhraseReadings(hidden: hidden, logits: language.logits(hidden, in: context))
    }
}

/// One sequence of text behind a picture's prefix.
struct PhrasePrompt {
    var prefix: ImagePrefix
    /// Token ids up to the token before the last marker; nothing after it is ever read.
    var ids: [Int32]
    /// Positions in the sequence where [SEG] or [REJ] stands or would stand next, ascending; the last one may be
    /// `ids.count`. What decides is the state one position earlier.
    var markers: [Int]
}

/// One row for each marker of each phrase, in order.
struct PhraseReadings {
    /// Hidden states after the final norm, `[markers, t]`.
    var hidden: Matrix
    /// `[markers, vocabulary]`
    var logits: Matrix

    /// The likeliest token at a marker.
    func decision(_ marker: Int) -> Int32 {
        let row = logits.row(marker)
        var best = 0
        for token in 1..<logits.columns where row[token] > row[best] { best = token }
        return Int32(best)
    }
}

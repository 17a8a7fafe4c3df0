import Segmentation
import Tensors

extension MLLMSegModel {
    /// Tokens that an answer may have besides the phrase it repeats.
    private static let answerTokens = 48

    /// Lets the language model write its answer to one expression, greedily, and reads its markers: each
    /// [SEG] gives a mask, from the hidden state that predicted it. Rejected when it wrote [REJ] and no
    /// [SEG]; an answer without markers has no masks and is not called a rejection.
    func generate(
        _ expression: String, _ request: SegmentationRequest, _ picture: inout Picture,
        in context: ComputeContext
    ) throws -> ExpressionResult {
        try context.workspace.scope {
            var next = prompt.openQuestion([expression])
            let limit = next.count + Self.answerTokens
            try checkLength(next.count + limit, picture.prefix)
            var written: KeyValueCache?
            var result = ExpressionResult(
                expression: expression, rejected: false, rejectionScore: nil, masks: [])
            var wroteReject = false
            for _ in 0..<limit {
                let prefix = picture.prefix.context
                let token = try context.workspace.scope {
                    let step = try picture.clock.measure(\.language) { () throws(CancellationError) in
                        try network.step(next, after: prefix, written, in: context)
                    }
                    written = step.cache
                    let token = step.readings.decision(0)
                    if token == prompt.segment || token == prompt.reject {
                        result.rejectionScore =
                            result.rejectionScore ?? rejectionScore(step.readings.logits, 0)
                    }
                    if token == prompt.segment {
                        result.masks.append(mask(step.readings.hidden, request, &picture, in: context))
                    }
                    return token
                }
                wroteReject = wroteReject || isRejection(token)
                if token == prompt.endOfMessage { break }
                next = [token]
            }
            result.rejected = wroteReject && result.masks.isEmpty
            return result
        }
    }
}

extension MLLMSegNetwork {
    /// Reads `ids` behind a prefix and what was written since; gives the state and logits at the last one and
    /// the longer cache.
    func step(
        _ ids: [Int32], after prefix: [KeyValueCache], _ written: KeyValueCache?, in context: ComputeContext
    ) throws(CancellationError) -> (readings: PhraseReadings, cache: KeyValueCache) {
        let x = context.workspace.matrix(ids.count, language.width)
        language.embed(ids, into: x)
        let added = language.newCache(tokens: ids.count)
        let sequence = LanguageModel.Sequence(
            rows: 0..<ids.count, context: prefix + (written.map { [$0] } ?? []),
            wanted: [ids.count - 1..<ids.count], cache: added)
        let hidden = try language.forward(x, [sequence], stage: "step", in: context)
        return (
            PhraseReadings(hidden: hidden, logits: language.logits(hidden, in: context)),
            written.map { $0.appending(added) } ?? added
        )
    }
}

import CKernels
import NeuralNetwork
import Tensors

/// The causal language model: embeddings, decoder layers, final norm, vocabulary head.
///
/// Qwen2 and InternLM2 compute the same thing; they differ in keys, biases and the layout of one weight,
/// which `LanguageModel+Loading` hides.
struct LanguageModel: Sendable {
    /// t, the width of hidden states.
    let width: Int
    let keyValueWidth: Int
    /// `[vocabulary, t]`
    let embedding: WeightMatrix
    let layers: [LanguageLayer]
    let finalNorm: RMSNorm
    /// `[vocabulary, t]`
    let head: ArrangedWeights
    let rotary: RotaryEmbedding
    let attention: Attention
    let queryHeads: Int

    /// One run of tokens inside a batch.
    struct Sequence {
        /// Its rows in the batch's embeddings.
        var rows: Range<Int>
        /// What comes before it, oldest first; it continues their positions.
        var context: [KeyValueCache]
        /// Ranges inside the sequence whose final hidden states will be read.
        var wanted: [Range<Int>]
        /// Where its keys and values go, of `newCache`; nil when they end with the pass.
        var cache: KeyValueCache?

        var firstPosition: Int { context.reduce(0) { $0 + $1.count } }
    }

    /// Memory for the keys and values of a sequence.
    func newCache(tokens: Int) -> KeyValueCache {
        KeyValueCache(layers: layers.count, count: tokens, width: keyValueWidth)
    }

    /// Looks up token embeddings, `[ids, t]`.
    func embed(_ ids: [Int32], into out: Matrix) {
        for (row, id) in ids.enumerated() { embedding.copyRow(Int(id), to: out.row(row)) }
    }

    /// Runs the sequences of one batch; linear layers see all rows at once, attention each sequence alone.
    /// `x` `[rows, t]` holds the embeddings and is overwritten. Gives the hidden states after the final norm,
    /// `[wanted rows of all sequences, t]`, in the caller's scope.
    func forward(
        _ x: Matrix, _ sequences: [Sequence], stage: String = "", in context: ComputeContext
    ) throws(CancellationError) -> Matrix {
        let wanted = sequences.reduce(0) { $0 + $1.wanted.reduce(0) { $0 + $1.count } }
        let last = context.workspace.matrix(wanted, width)
        try context.workspace.scope { () throws(CancellationError) in
            var pass = LayerPass(sequences, rotary.tables(rows: x.rows, in: context.workspace), in: context)
            for sequence in sequences {
                rotary.fill(pass.tables, sequence.rows, from: sequence.firstPosition)
            }
            for (index, layer) in layers.enumerated() {
                try context.checkWanted()
                pass.index = index
                pass.isLast = index + 1 == layers.count
                run(layer, &pass, x, last: last, in: context)
                context.observe(stage + ".llm.layer\(index)", pass.isLast ? last : x)
            }
        }
        finalNorm.apply(last, into: last, in: context)
        context.observe(stage + ".llm.norm", last)
        return last
    }

    /// Scores of every token of the vocabulary, `[rows, vocabulary]`.
    func logits(_ hidden: Matrix, in context: ComputeContext) -> Matrix {
        let out = context.workspace.matrix(hidden.rows, head.outputs)
        context.multiply(hidden, by: head, into: out)
        return out
    }

    private struct LayerPass {
        var index = 0
        var isLast = false
        let sequences: [Sequence]
        let tables: RotaryEmbedding.Tables
        /// Memory for the layer's attention.
        var batch: Attention.Batch

        init(_ sequences: [Sequence], _ tables: RotaryEmbedding.Tables, in context: ComputeContext) {
            self.sequences = sequences
            self.tables = tables
            // The last layer cuts a sequence into what is wanted of it, the others take it whole.
            let runs = sequences.reduce(0) { $0 + max(1, $1.wanted.count) }
            let stretches = sequences.reduce(0) { $0 + max(1, $1.wanted.count) * ($1.context.count + 1) }
            batch = Attention.Batch(runs: runs, stretches: stretches, in: context.workspace)
        }
    }

    /// One layer. In the last one, only the wanted rows go on past the keys and values.
    private func run(
        _ layer: LanguageLayer, _ pass: inout LayerPass, _ x: Matrix, last: Matrix, in context: ComputeContext
    ) {
        context.workspace.scope {
            let normed = context.workspace.matrix(x.rows, width)
            layer.inputNorm.apply(x, into: normed, in: context)
            let fused = context.workspace.matrix(x.rows, layer.projection.outputs)
            layer.projection.apply(normed, into: fused, in: context)
            rotate(fused, pass.tables, in: context)
            for sequence in pass.sequences {
                guard let kept = sequence.cache?.layers[pass.index] else { continue }
                let own = keyValues(fused.rows(sequence.rows))
                kept.keys.copy(from: own.keys)
                kept.values.copy(from: own.values)
            }
            let rows = pass.isLast ? last.rows : x.rows
            let attended = context.workspace.matrix(rows, attention.headCount * attention.headSize)
            collect(&pass, fused, into: attended)
            attention.apply(pass.batch, in: context)
            if pass.isLast { gather(pass.sequences, from: x, into: last) }
            let residual = pass.isLast ? last : x
            layer.output.addResult(of: attended, to: residual, in: context)
            layer.feedForward(residual, in: context)
        }
    }

    /// What this layer's attention is asked, into the pass' batch.
    private func collect(_ pass: inout LayerPass, _ fused: Matrix, into out: Matrix) {
        let queries = fused.columns(0..<attention.headCount * attention.headSize)
        pass.batch.removeAll()
        var outRow = 0
        for sequence in pass.sequences {
            let own = keyValues(fused.rows(sequence.rows))
            // Only the last layer leaves out what nobody reads.
            for part in 0..<(pass.isLast ? sequence.wanted.count : 1) {
                let range = pass.isLast ? sequence.wanted[part] : 0..<sequence.rows.count
                let first = sequence.rows.lowerBound + range.lowerBound
                for earlier in sequence.context { pass.batch.addContext(earlier.layers[pass.index]) }
                pass.batch.add(
                    queries: queries.rows(first..<first + range.count), own: own,
                    firstVisible: sequence.firstPosition + range.lowerBound + 1,
                    out: out.rows(outRow..<outRow + range.count))
                outRow += range.count
            }
        }
    }

    private func keyValues(_ fused: Matrix) -> Attention.KeyValues {
        let start = attention.headCount * attention.headSize
        return .init(
            keys: fused.columns(start..<start + keyValueWidth),
            values: fused.columns(start + keyValueWidth..<start + 2 * keyValueWidth))
    }

    /// Turns every query and key head by its row's position.
    private func rotate(_ fused: Matrix, _ tables: RotaryEmbedding.Tables, in context: ComputeContext) {
        let heads = queryHeads + keyValueWidth / attention.headSize
        context.team.run(
            rows: fused.rows, minimum: 32,
            Turning(rotary: rotary, heads: heads, fused: fused, tables: tables))
    }

    private struct Turning: ParallelRows {
        let rotary: RotaryEmbedding
        let heads: Int
        let fused: Matrix
        let tables: RotaryEmbedding.Tables

        func run(_ rows: Range<Int>) {
            for head in 0..<heads {
                rotary.rotate(
                    fused.rows(rows), headAt: head * rotary.headSize, cosine: tables.cosine.rows(rows),
                    sine: tables.sine.rows(rows))
            }
        }
    }

    private func gather(_ sequences: [Sequence], from x: Matrix, into out: Matrix) {
        var outRow = 0
        for sequence in sequences {
            for range in sequence.wanted {
                let first = sequence.rows.lowerBound + range.lowerBound
                out.rows(outRow..<outRow + range.count).copy(from: x.rows(first..<first + range.count))
                outRow += range.count
            }
        }
    }
}

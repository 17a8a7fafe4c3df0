import Checkpoints
import NeuralNetwork
import Tensors

/// A post-norm transformer decoder layer with 8 heads and a ReLU MLP, as PyTorch's TransformerDecoderLayer
/// (eps 1e-5), followed by the decoder's own norm: `{key}.decoder.layers.0.*`, `{key}.decoder.norm`.
struct PostNormDecoderLayer {
    static let headCount = 8

    let selfAttention: MultiHeadAttention
    let crossAttention: MultiHeadAttention
    let norm1: LayerNorm
    let norm2: LayerNorm
    let norm3: LayerNorm
    let finalNorm: LayerNorm
    private let linear1: Linear
    private let linear2: Linear

    init(_ key: String, width: Int, from loader: WeightLoader) throws(CheckpointError) {
        let layer = key + ".decoder.layers.0."
        selfAttention = try MultiHeadAttention(layer + "self_attn", width: width, from: loader)
        crossAttention = try MultiHeadAttention(layer + "multihead_attn", width: width, from: loader)
        norm1 = try loader.layerNorm(layer + "norm1", width, epsilon: 1e-5)
        norm2 = try loader.layerNorm(layer + "norm2", width, epsilon: 1e-5)
        norm3 = try loader.layerNorm(layer + "norm3", width, epsilon: 1e-5)
        finalNorm = try loader.layerNorm(key + ".decoder.norm", width, epsilon: 1e-5)
        linear1 = try loader.linear(layer + "linear1", outputs: width, inputs: width)
        linear2 = try loader.linear(layer + "linear2", outputs: width, inputs: width)
    }

    /// norm1(x + selfAttention(x)), `[tokens, d]`; out may not be x.
    func attendToSelf(_ x: Matrix, into out: Matrix, stage: String, in context: ComputeContext) {
        context.workspace.scope {
            let attended = context.workspace.matrix(x.rows, x.columns)
            selfAttention.apply(queries: x, memory: x, into: attended, in: context)
            context.observe(stage + ".self_attn", attended)
            norm1.apply(x, plus: attended, into: out, in: context)
        }
        context.observe(stage + ".norm1", out)
    }

    /// From x = norm2(...) to the layer's end: finalNorm(norm3(x + linear2(relu(linear1(x))))), in place.
    func finish(_ x: Matrix, stage: String, in context: ComputeContext) {
        context.observe(stage + ".norm2", x)
        context.workspace.scope {
            let hidden = context.workspace.matrix(x.rows, x.columns)
            linear1.apply(x, into: hidden, activation: .relu, in: context)
            linear2.addResult(of: hidden, to: x, in: context)
        }
        norm3.apply(x, into: x, in: context)
        context.observe(stage + ".norm3", x)
        finalNorm.apply(x, into: x, in: context)
        context.observe(stage + ".out", x)
    }
}

/// PyTorch's MultiheadAttention: `in_proj_weight` `[3 d, d]` (queries, keys, values), `in_proj_bias`, `out_proj`.
struct MultiHeadAttention {
    private let queries: Linear
    private let keysAndValues: Linear
    private let values: Linear
    private let output: Linear
    private let attention: Attention

    init(_ key: String, width d: Int, from loader: WeightLoader) throws(CheckpointError) {
        let weight = try loader.checkpoint.takeWeights(
            key + ".in_proj_weight", outputs: 3 * d, inputs: d, mapped: loader.mapped)
        let bias = try loader.vector(key + ".in_proj_bias", 3 * d)
        queries = Linear(weight: weight.outputs(0..<d), bias: bias.columns(0..<d))
        keysAndValues = Linear(weight: weight.outputs(d..<3 * d), bias: bias.columns(d..<3 * d))
        values = Linear(weight: weight.outputs(2 * d..<3 * d), bias: bias.columns(2 * d..<3 * d))
        output = try loader.linear(key + ".out_proj", outputs: d, inputs: d)
        let heads = PostNormDecoderLayer.headCount
        attention = Attention(headCount: heads, headSize: d / heads)
    }

    /// queries `[n, d]`, memory `[m, d]`, out `[n, d]`.
    func apply(queries x: Matrix, memory: Matrix, into out: Matrix, in context: ComputeContext) {
        let d = x.columns
        context.workspace.scope {
            let q = context.workspace.matrix(x.rows, d)
            let kv = context.workspace.matrix(memory.rows, 2 * d)
            let attended = context.workspace.matrix(x.rows, d)
            queries.apply(x, into: q, in: context)
            keysAndValues.apply(memory, into: kv, in: context)
            let job = Attention.Job(
                queries: q, context: [.init(keys: kv.columns(0..<d), values: kv.columns(d..<2 * d))],
                out: attended)
            attention.apply([job], in: context)
            output.apply(attended, into: out, in: context)
        }
    }

    /// The result for a memory of one token: its softmax is 1 whatever the query, so every query gets the same
    /// row, out_proj(W_v memory + b_v). memory and out `[1, d]`.
    func applyToSingleKey(_ memory: Matrix, into out: Matrix, in context: ComputeContext) {
        precondition(memory.rows == 1, "the memory is one token")
        context.workspace.scope {
            let value = context.workspace.matrix(1, memory.columns)
            values.apply(memory, into: value, in: context)
            output.apply(value, into: out, in: context)
        }
    }
}

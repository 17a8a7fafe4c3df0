import Checkpoints
import NeuralNetwork
import Tensors

/// PyTorch's MultiheadAttention of 8 heads: `in_proj_weight` `[3 d, d]` (queries, keys, values), `in_proj_bias`,
/// `out_proj`. Each kind keeps only what it computes with.
protocol MultiHeadAttention: Sendable {
    init(_ key: String, width: Int, from loader: WeightLoader) throws(CheckpointError)
}

extension MultiHeadAttention {
    static var headCount: Int { 8 }
}

/// Tokens attend to each other.
struct SelfAttention: MultiHeadAttention {
    private let fused: Linear
    private let output: Linear
    private let attention: Attention

    init(_ key: String, width d: Int, from loader: WeightLoader) throws(CheckpointError) {
        fused = try InputProjection(key, width: d, from: loader).linear(0..<3 * d)
        output = try loader.linear(key + ".out_proj", outputs: d, inputs: d)
        attention = Attention(headCount: Self.headCount, headSize: d / Self.headCount)
    }

    /// x and out `[n, d]`.
    func apply(_ x: Matrix, into out: Matrix, in context: ComputeContext) {
        let d = x.columns
        context.workspace.scope {
            let qkv = context.workspace.matrix(x.rows, 3 * d)
            fused.apply(x, into: qkv, in: context)
            let attended = context.workspace.matrix(x.rows, d)
            let keyValues = Attention.KeyValues(
                keys: qkv.columns(d..<2 * d), values: qkv.columns(2 * d..<3 * d))
            attention.apply(
                queries: qkv.columns(0..<d), keyValues: keyValues, into: attended, in: context)
            output.apply(attended, into: out, in: context)
        }
    }
}

/// Tokens attend to others.
struct CrossAttention: MultiHeadAttention {
    private let queries: Linear
    private let keysAndValues: Linear
    private let output: Linear
    private let attention: Attention

    init(_ key: String, width d: Int, from loader: WeightLoader) throws(CheckpointError) {
        let projection = try InputProjection(key, width: d, from: loader)
        queries = projection.linear(0..<d)
        keysAndValues = projection.linear(d..<3 * d)
        output = try loader.linear(key + ".out_proj", outputs: d, inputs: d)
        attention = Attention(headCount: Self.headCount, headSize: d / Self.headCount)
    }

    /// queries `[n, d]`, memory `[m, d]`, out `[n, d]`.
    func apply(queries x: Matrix, memory: Matrix, into out: Matrix, in context: ComputeContext) {
        let d = x.columns
        context.workspace.scope {
            let q = context.workspace.matrix(x.rows, d)
            let kv = context.workspace.matrix(memory.rows, 2 * d)
            queries.apply(x, into: q, in: context)
            keysAndValues.apply(memory, into: kv, in: context)
            let attended = context.workspace.matrix(x.rows, d)
            let keyValues = Attention.KeyValues(keys: kv.columns(0..<d), values: kv.columns(d..<2 * d))
            attention.apply(queries: q, keyValues: keyValues, into: attended, in: context)
            output.apply(attended, into: out, in: context)
        }
    }
}

/// Attention to a memory of one token: its softmax is 1 whatever the query, so every query gets the same row,
/// out_proj(W_v memory + b_v), and W_q and W_k can't influence anything.
struct SingleKeyAttention: MultiHeadAttention {
    private let values: Linear
    private let output: Linear

    init(_ key: String, width d: Int, from loader: WeightLoader) throws(CheckpointError) {
        values = try InputProjection(key, width: d, from: loader).linear(2 * d..<3 * d)
        output = try loader.linear(key + ".out_proj", outputs: d, inputs: d)
    }

    /// memory and out `[1, d]`, or as many rows of independent memories.
    func apply(_ memory: Matrix, into out: Matrix, in context: ComputeContext) {
        context.workspace.scope {
            let value = context.workspace.matrix(memory.rows, memory.columns)
            values.apply(memory, into: value, in: context)
            output.apply(value, into: out, in: context)
        }
    }
}

/// `in_proj_weight` and `in_proj_bias` before they are arranged.
private struct InputProjection {
    let weight: WeightMatrix
    let bias: Matrix

    init(_ key: String, width d: Int, from loader: WeightLoader) throws(CheckpointError) {
        weight = try loader.checkpoint.takeWeights(
            key + ".in_proj_weight", outputs: 3 * d, inputs: d, mapped: loader.mapped)
        bias = try loader.vector(key + ".in_proj_bias", 3 * d)
    }

    func linear(_ outputs: Range<Int>) -> Linear {
        Linear(weight: weight.outputs(outputs), bias: bias.columns(outputs))
    }
}

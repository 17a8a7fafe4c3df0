import Checkpoints
import NeuralNetwork
import Tensors

/// A post-norm transformer decoder layer with 8 heads and a ReLU MLP, as PyTorch's TransformerDecoderLayer
/// (eps 1e-5), followed by the decoder's own norm: `{key}.decoder.layers.0.*`, `{key}.decoder.norm`.
struct PostNormDecoderLayer<Cross: MultiHeadAttention> {
    let selfAttention: SelfAttention
    let cross: Cross
    let norm1: LayerNorm
    let norm2: LayerNorm
    let norm3: LayerNorm
    let finalNorm: LayerNorm
    private let linear1: Linear
    private let linear2: Linear

    init(_ key: String, width: Int, from loader: WeightLoader) throws(CheckpointError) {
        let layer = key + ".decoder.layers.0."
        selfAttention = try SelfAttention(layer + "self_attn", width: width, from: loader)
        cross = try Cross(layer + "multihead_attn", width: width, from: loader)
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
            selfAttention.apply(x, into: attended, in: context)
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

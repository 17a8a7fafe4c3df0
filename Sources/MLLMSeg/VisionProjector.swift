import Checkpoints
import NeuralNetwork
import Tensors

/// Picture features to language-model tokens, `mlp1.*`: pixel shuffle, LayerNorm, linear, GELU, linear.
struct VisionProjector: Sendable {
    private let grid: Int
    /// InternVL's first pixel shuffle left the result transposed in space.
    private let transposed: Bool
    private let norm: LayerNorm
    private let first: Linear
    private let second: Linear

    init(_ configuration: ModelConfiguration, from loader: WeightLoader) throws(CheckpointError) {
        let d = configuration.vision_config.hidden_size
        let t = configuration.llm_config.hidden_size
        grid = configuration.grid
        transposed = configuration.ps_version == "v1"
        norm = try loader.layerNorm("mlp1.0", 4 * d, epsilon: 1e-5)
        first = try loader.linear("mlp1.1", outputs: t, inputs: 4 * d)
        second = try loader.linear("mlp1.3", outputs: t, inputs: t)
    }

    /// features `[grid * grid, d]` to tokens `[grid / 2 * grid / 2, t]`.
    func apply(_ features: Matrix, into tokens: Matrix, in context: ComputeContext) {
        context.workspace.scope {
            let shuffled = shuffle(features, in: context)
            context.observe("vision.pixel_shuffle", shuffled)
            norm.apply(shuffled, into: shuffled, in: context)
            let hidden = context.workspace.matrix(tokens.rows, first.outputs)
            first.apply(shuffled, into: hidden, activation: .gelu, in: context)
            second.apply(hidden, into: tokens, in: context)
        }
        context.observe("vision.mlp1", tokens)
    }

    /// Two by two neighbours become channels: [in(2y, 2x), in(2y, 2x+1), in(2y+1, 2x), in(2y+1, 2x+1)].
    private func shuffle(_ features: Matrix, in context: ComputeContext) -> Matrix {
        let (d, side) = (features.columns, grid / 2)
        let out = context.workspace.matrix(side * side, 4 * d)
        for y in 0..<side {
            for x in 0..<side {
                let target = out.row(transposed ? x * side + y : y * side + x)
                for (place, (dy, dx)) in [(0, 0), (0, 1), (1, 0), (1, 1)].enumerated() {
                    (target + place * d).update(
                        from: features.row((2 * y + dy) * grid + 2 * x + dx), count: d)
                }
            }
        }
        return out
    }
}

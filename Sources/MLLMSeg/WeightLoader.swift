import Checkpoints
import NeuralNetwork
import Tensors

/// Takes layers out of a checkpoint by their keys, with LoRA factors merged on the way.
struct WeightLoader {
    let checkpoint: Checkpoint
    /// Whether bfloat16 weights stay in the mapped file.
    let mapped: Bool
    /// LoRA's scale, alpha / rank: the authors train with alpha = 2 r.
    private static let loraScale: Float = 2

    /// `key.weight` `[outputs, inputs]` and, when `bias`, `key.bias` `[outputs]`.
    func linear(
        _ key: String, outputs: Int, inputs: Int, bias: Bool = true
    ) throws(CheckpointError) -> Linear {
        let base = checkpoint.contains(key + ".base_layer.weight") ? key + ".base_layer" : key
        let weight =
            checkpoint.contains(key + ".lora_A.default.weight")
            ? try merged(key, base: base, outputs: outputs, inputs: inputs)
            : try checkpoint.takeWeights(base + ".weight", outputs: outputs, inputs: inputs, mapped: mapped)
        return Linear(weight: weight, bias: bias ? try checkpoint.take(base + ".bias", [outputs]) : nil)
    }

    /// W + scale * B A (LoRA, Hu et al. 2021, section 4.1); A `[rank, inputs]`, B `[outputs, rank]`.
    private func merged(
        _ key: String, base: String, outputs: Int, inputs: Int
    ) throws(CheckpointError) -> WeightMatrix {
        let keyA = key + ".lora_A.default.weight"
        guard let rank = checkpoint.shape(of: keyA)?.first, rank > 0 else {
            throw .missingTensor(key: keyA, expected: [1, inputs], directory: checkpoint.directory)
        }
        let a = try checkpoint.take(keyA, [rank, inputs])
        let b = try checkpoint.take(key + ".lora_B.default.weight", [outputs, rank])
        let weight = try checkpoint.take(base + ".weight", [outputs, inputs])
        BLAS.multiply(b, a, transposed: false, scale: Self.loraScale, keep: 1, into: weight)
        return WeightMatrix(weight)
    }

    func vector(_ key: String, _ count: Int) throws(CheckpointError) -> Matrix {
        try checkpoint.take(key, [count])
    }

    func layerNorm(_ key: String, _ columns: Int, epsilon: Float) throws(CheckpointError) -> LayerNorm {
        LayerNorm(
            gain: try vector(key + ".weight", columns), bias: try vector(key + ".bias", columns),
            epsilon: epsilon)
    }

    func rmsNorm(_ key: String, _ columns: Int, epsilon: Float) throws(CheckpointError) -> RMSNorm {
        RMSNorm(gain: try vector(key + ".weight", columns), epsilon: epsilon)
    }
}

import Checkpoints
import NeuralNetwork
import Tensors

/// Takes layers out of a checkpoint by their keys, with LoRA factors merged on the way.
struct WeightLoader {
    let checkpoint: Checkpoint
    /// Whether bfloat16 weights stay in the mapped file.
    let mapped: Bool
    /// For merging.
    private let context = ComputeContext(threads: Processor.usableThreads)
    /// LoRA's scale, alpha / rank: the authors train with alpha = 2 r.
    private static let loraScale: Float = 2

    /// `key.weight` `[outputs, inputs]` and, when `bias`, `key.bias` `[outputs]`.
    func linear(
        _ key: String, outputs: Int, inputs: Int, bias: Bool = true
    ) throws(CheckpointError) -> Linear {
        Linear(
            weight: try weights(key, outputs: outputs, inputs: inputs),
            bias: bias ? try self.bias(key, outputs) : nil)
    }

    /// `key.bias` `[outputs]`.
    func bias(_ key: String, _ outputs: Int) throws(CheckpointError) -> Matrix {
        try vector(baseKey(key) + ".bias", outputs)
    }

    /// `key.weight` `[outputs, inputs]`.
    func weights(_ key: String, outputs: Int, inputs: Int) throws(CheckpointError) -> WeightMatrix {
        checkpoint.contains(key + ".lora_A.default.weight")
            ? try merged(key, outputs: outputs, inputs: inputs)
            : try checkpoint.takeWeights(
                baseKey(key) + ".weight", outputs: outputs, inputs: inputs, mapped: mapped)
    }

    /// Where peft keeps the layer that LoRA factors belong to.
    private func baseKey(_ key: String) -> String {
        checkpoint.contains(key + ".base_layer.weight") ? key + ".base_layer" : key
    }

    /// W + scale * B A (LoRA, Hu et al. 2021, section 4.1); A `[rank, inputs]`, B `[outputs, rank]`.
    private func merged(
        _ key: String, outputs: Int, inputs: Int
    ) throws(CheckpointError) -> WeightMatrix {
        let keyA = key + ".lora_A.default.weight"
        guard let rank = checkpoint.shape(of: keyA)?.first, rank > 0 else {
            throw .missingTensor(key: keyA, expected: [1, inputs], directory: checkpoint.directory)
        }
        let a = try checkpoint.take(keyA, [rank, inputs])
        let b = try checkpoint.take(key + ".lora_B.default.weight", [outputs, rank])
        let weight = try checkpoint.take(baseKey(key) + ".weight", [outputs, inputs])
        let scale = Matrix(rows: 1, columns: inputs, Array(repeating: Self.loraScale, count: inputs))
        // x W^T + b with x = B, W = A^T.
        Linear(weight: WeightMatrix(a.transposed()), bias: nil).addResult(
            of: b, to: weight, scale: scale, in: context)
        return WeightMatrix(weight)
    }

    init(checkpoint: Checkpoint, mapped: Bool) {
        self.checkpoint = checkpoint
        self.mapped = mapped
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

import Checkpoints
import CKernels
import NeuralNetwork
import Tensors

/// InternViT: patches of a square picture to features, `vision_model.*` (Chen et al. 2024, InternVL).
struct InternVisionModel: Sendable {
    /// Cells along one side of the grid.
    let grid: Int
    let patch: Int
    /// d, the features' width.
    let width: Int
    /// Patch pixels `[3 * patch * patch]` to d, as a linear layer.
    private let patchEmbedding: Linear
    /// `[d]`
    private let classEmbedding: Matrix
    /// `[1 + grid * grid, d]`
    private let positionEmbedding: Matrix
    private let layers: [VisionLayer]

    private static let mean: [Float] = [0.485, 0.456, 0.406]
    private static let deviation: [Float] = [0.229, 0.224, 0.225]

    init(_ configuration: ModelConfiguration, from loader: WeightLoader) throws(CheckpointError) {
        let vision = configuration.vision_config
        grid = configuration.grid
        patch = vision.patch_size
        width = vision.hidden_size
        let embeddings = "vision_model.embeddings."
        let pixels = try loader.checkpoint.take(
            embeddings + "patch_embedding.weight", [width, 3, patch, patch])
        patchEmbedding = Linear(
            weight: WeightMatrix(pixels), bias: try loader.vector(embeddings + "patch_embedding.bias", width))
        classEmbedding = try loader.checkpoint.take(embeddings + "class_embedding", [1, 1, width])
        let tokens = 1 + grid * grid
        let positions = try loader.checkpoint.take(embeddings + "position_embedding", [1, tokens, width])
        positionEmbedding = positions.reshaped(rows: tokens, columns: width)
        var layers: [VisionLayer] = []
        for index in 0..<vision.num_hidden_layers {
            layers.append(
                try VisionLayer(vision, key: "vision_model.encoder.layers.\(index).", from: loader))
        }
        self.layers = layers
    }

    /// `[side, side, 3]` bytes, side = grid * patch, to T1 `[grid * grid, d]`: the last layer's output without
    /// the class token and without a final norm.
    func features(
        of pixels: [UInt8], into features: Matrix, in context: ComputeContext
    ) throws(CancellationError) {
        try context.workspace.scope { () throws(CancellationError) in
            let x = embed(pixels, in: context)
            context.observe("vision.embeddings", x)
            for (index, layer) in layers.enumerated() {
                try context.checkWanted()
                layer.apply(x, in: context)
                context.observe("vision.layer\(index)", x)
            }
            features.copy(from: x.rows(1..<x.rows))
        }
        context.observe("vision.feature", features)
    }

    /// Patch embedding, class token in front, position embedding: `[1 + grid * grid, d]`.
    private func embed(_ pixels: [UInt8], in context: ComputeContext) -> Matrix {
        precondition(pixels.count == grid * patch * grid * patch * 3, "the picture must be resized")
        let x = context.workspace.matrix(1 + grid * grid, width)
        context.workspace.scope {
            let patches = context.workspace.matrix(grid * grid, 3 * patch * patch)
            kernel_normalize_patches(pixels, grid, patch, Self.mean, Self.deviation, patches.pointer)
            patchEmbedding.apply(patches, into: x.rows(1..<x.rows), in: context)
        }
        context.observe("vision.patch_embed", x.rows(1..<x.rows))
        x.row(0).update(from: classEmbedding.pointer, count: width)
        kernel_bias_scale_add(
            positionEmbedding.pointer, positionEmbedding.stride, nil, nil, x.pointer, x.stride, x.rows, width)
        return x
    }
}

/// One encoder layer: x += ls1 * proj(attention(norm1(x))); x += ls2 * fc2(gelu(fc1(norm2(x)))).
private struct VisionLayer: Sendable {
    let norm1: LayerNorm
    let norm2: LayerNorm
    /// Fused `[3 d, d]`: queries, keys, values.
    let qkv: Linear
    let queryNorm: RMSNorm?
    let keyNorm: RMSNorm?
    let projection: Linear
    let fc1: Linear
    let fc2: Linear
    /// LayerScale `[d]`
    let ls1: Matrix
    let ls2: Matrix
    let attention: Attention

    init(
        _ vision: ModelConfiguration.Vision, key: String, from loader: WeightLoader
    ) throws(CheckpointError) {
        let d = vision.hidden_size
        norm1 = try loader.layerNorm(key + "norm1", d, epsilon: vision.layer_norm_eps)
        norm2 = try loader.layerNorm(key + "norm2", d, epsilon: vision.layer_norm_eps)
        qkv = try loader.linear(key + "attn.qkv", outputs: 3 * d, inputs: d, bias: vision.qkv_bias ?? true)
        let normalized = vision.qk_normalization ?? false
        queryNorm =
            normalized ? try loader.rmsNorm(key + "attn.q_norm", d, epsilon: vision.layer_norm_eps) : nil
        keyNorm =
            normalized ? try loader.rmsNorm(key + "attn.k_norm", d, epsilon: vision.layer_norm_eps) : nil
        projection = try loader.linear(key + "attn.proj", outputs: d, inputs: d)
        fc1 = try loader.linear(key + "mlp.fc1", outputs: vision.intermediate_size, inputs: d)
        fc2 = try loader.linear(key + "mlp.fc2", outputs: d, inputs: vision.intermediate_size)
        ls1 = try loader.vector(key + "ls1", d)
        ls2 = try loader.vector(key + "ls2", d)
        let heads = vision.num_attention_heads
        attention = Attention(headCount: heads, headSize: d / heads)
    }

    /// x `[tokens, d]` in place.
    func apply(_ x: Matrix, in context: ComputeContext) {
        let d = x.columns
        context.workspace.scope {
            let normed = context.workspace.matrix(x.rows, d)
            norm1.apply(x, into: normed, in: context)
            let fused = context.workspace.matrix(x.rows, 3 * d)
            qkv.apply(normed, into: fused, in: context)
            let (queries, keys) = (fused.columns(0..<d), fused.columns(d..<2 * d))
            queryNorm?.apply(queries, into: queries, in: context)
            keyNorm?.apply(keys, into: keys, in: context)
            let keyValues = Attention.KeyValues(keys: keys, values: fused.columns(2 * d..<3 * d))
            attention.apply(queries: queries, keyValues: keyValues, into: normed, in: context)
            projection.addResult(of: normed, to: x, scale: ls1, in: context)
        }
        context.workspace.scope {
            let normed = context.workspace.matrix(x.rows, d)
            norm2.apply(x, into: normed, in: context)
            let hidden = context.workspace.matrix(x.rows, fc1.outputs)
            fc1.apply(normed, into: hidden, activation: .gelu, in: context)
            fc2.addResult(of: hidden, to: x, scale: ls2, in: context)
        }
    }
}

import Checkpoints
import CKernels
import NeuralNetwork
import Tensors

/// The light-weight mask decoder, `res_decoder.*`: fusion once per picture, then for each [SEG] embedding one
/// added vector, an MLP, two convolutions and a sigmoid.
struct MaskDecoder {
    let grid: Int
    let patch: Int
    private let fusion: DetailSemanticFusion
    private let textDown: Linear
    private let textLayer: PostNormDecoderLayer<SingleKeyAttention>
    /// `[9 * patch^2, d]`: the 3 x 3 kernel's nine positions as one product, summed with shifts afterwards.
    private let convolution: ArrangedWeights
    /// `[patch^2]`
    private let convolutionBias: Matrix
    private let batchScale: Matrix
    private let batchShift: Matrix
    /// `[5, 5]`
    private let smoothing: Matrix
    private let smoothingBias: Float

    /// Side of the probability map in pixels.
    var side: Int { grid * patch }

    init(_ configuration: ModelConfiguration, from loader: WeightLoader) throws(CheckpointError) {
        let d = configuration.vision_config.hidden_size
        grid = configuration.grid
        patch = configuration.vision_config.patch_size
        fusion = try DetailSemanticFusion(configuration, from: loader)
        textDown = try loader.linear(
            "res_decoder.text_down", outputs: d, inputs: configuration.llm_config.hidden_size)
        textLayer = try PostNormDecoderLayer("res_decoder.ca_layer_vl", width: d, from: loader)
        let channels = patch * patch
        let kernel = try loader.checkpoint.take("res_decoder.conv1.0.weight", [channels, d, 3, 3])
        convolution = Self.positionMajor(kernel, channels: channels, inputs: d)
        convolutionBias = try loader.vector("res_decoder.conv1.0.bias", channels)
        (batchScale, batchShift) = try Self.batchNorm("res_decoder.conv1.1", channels, from: loader)
        smoothing = try loader.checkpoint.take("res_decoder.conv2.weight", [1, 1, 5, 5])
        smoothingBias = try loader.vector("res_decoder.conv2.bias", 1)[0, 0]
    }

    /// `[channels, d * 9]` to `[9 * channels, d]`.
    private static func positionMajor(_ kernel: Matrix, channels: Int, inputs: Int) -> ArrangedWeights {
        let out = Matrix(rows: 9 * channels, columns: inputs)
        for position in 0..<9 {
            for channel in 0..<channels {
                let source = kernel.row(channel)
                let target = out.row(position * channels + channel)
                for input in 0..<inputs { target[input] = source[input * 9 + position] }
            }
        }
        return ArrangedWeights(WeightMatrix(out))
    }

    /// BatchNorm with running statistics as y = x * scale + shift.
    private static func batchNorm(
        _ key: String, _ channels: Int, from loader: WeightLoader
    ) throws(CheckpointError) -> (scale: Matrix, shift: Matrix) {
        let gain = try loader.vector(key + ".weight", channels)
        let bias = try loader.vector(key + ".bias", channels)
        let mean = try loader.vector(key + ".running_mean", channels)
        let variance = try loader.vector(key + ".running_var", channels)
        loader.checkpoint.ignore(key + ".num_batches_tracked")
        let scale = Matrix(rows: 1, columns: channels)
        let shift = Matrix(rows: 1, columns: channels)
        for channel in 0..<channels {
            scale.pointer[channel] = gain.pointer[channel] / (variance.pointer[channel] + 1e-5).squareRoot()
            shift.pointer[channel] =
                bias.pointer[channel] - mean.pointer[channel] * scale.pointer[channel]
        }
        return (scale, shift)
    }

    /// Everything that the picture alone decides: norm1 of the text layer over the fused tokens,
    /// `[grid * grid, d]`. detail T1 `[grid * grid, d]`, semantics T2 `[grid / 2 * grid / 2, t]`.
    func prepare(detail: Matrix, semantics: Matrix, into out: Matrix, in context: ComputeContext) {
        context.workspace.scope {
            let fused = context.workspace.matrix(detail.rows, detail.columns)
            fusion.apply(detail: detail, semantics: semantics, into: fused, in: context)
            textLayer.attendToSelf(fused, into: out, stage: "dec.vl", in: context)
        }
    }

    /// Probabilities `[side, side]` for one [SEG] hidden state `[1, t]` on a prepared picture.
    func decode(segment: Matrix, prepared: Matrix, into map: Matrix, in context: ComputeContext) {
        precondition(map.rows == side && map.columns == side && map.stride == side, "the map is side x side")
        context.workspace.scope {
            let x = context.workspace.matrix(prepared.rows, prepared.columns)
            joinText(segment, prepared, into: x, in: context)
            convolve(x, into: map, in: context)
            context.observe("dec.logits", map)
            context.team.run(rows: side, minimum: 64, Sigmoid(map: map))
        }
        context.observe("dec.prob", map)
    }

    /// The rest of the text layer. Its cross-attention has the single key s, so it adds one vector.
    private func joinText(
        _ segment: Matrix, _ prepared: Matrix, into x: Matrix, in context: ComputeContext
    ) {
        let s = context.workspace.matrix(1, prepared.columns)
        textDown.apply(segment, into: s, in: context)
        context.observe("dec.text_down", s)
        let added = context.workspace.matrix(1, prepared.columns)
        textLayer.cross.apply(s, into: added, in: context)
        textLayer.norm2.apply(prepared, plus: added, into: x, in: context)
        textLayer.finish(x, stage: "dec.vl", in: context)
    }

    /// conv1, BatchNorm, ReLU, depth to space, conv2.
    private func convolve(_ x: Matrix, into map: Matrix, in context: ComputeContext) {
        let channels = patch * patch
        let products = context.workspace.matrix(x.rows, 9 * channels)
        context.multiply(x, by: convolution, into: products)
        let cells = context.workspace.matrix(x.rows, channels)
        let gathering = Gathering(
            products: products, grid: grid, bias: convolutionBias, channels: channels, cells: cells)
        context.team.run(rows: grid, minimum: 4, gathering)
        context.observe("dec.conv1", cells)
        let plane = context.workspace.matrix(side, side)
        let spreading = Spreading(
            cells: cells, grid: grid, patch: patch, scale: batchScale, shift: batchShift, plane: plane)
        context.team.run(rows: grid, minimum: 4, spreading)
        context.observe("dec.depth_to_space", plane)
        let smoothed = Smoothing(plane: plane, kernel: smoothing, bias: smoothingBias, map: map)
        context.team.run(rows: side, minimum: 64, smoothed)
    }
}

private struct Sigmoid: ParallelRows {
    let map: Matrix

    func run(_ rows: Range<Int>) {
        kernel_sigmoid(map.row(rows.lowerBound), rows.count * map.columns)
    }
}

/// Sums the nine products of conv1 with shifts.
private struct Gathering: ParallelRows {
    let products: Matrix
    let grid: Int
    let bias: Matrix
    let channels: Int
    let cells: Matrix

    func run(_ rows: Range<Int>) {
        kernel_gather_convolution_3x3(
            products.pointer, grid, grid, channels, bias.pointer, rows.lowerBound, rows.upperBound,
            cells.pointer)
    }
}

/// BatchNorm, ReLU, depth to space.
private struct Spreading: ParallelRows {
    let cells: Matrix
    let grid: Int
    let patch: Int
    let scale: Matrix
    let shift: Matrix
    let plane: Matrix

    func run(_ rows: Range<Int>) {
        kernel_scale_relu_depth_to_space(
            cells.pointer, grid, grid, patch, scale.pointer, shift.pointer, rows.lowerBound, rows.upperBound,
            plane.pointer)
    }
}

/// conv2.
private struct Smoothing: ParallelRows {
    let plane: Matrix
    /// `[5, 5]`
    let kernel: Matrix
    let bias: Float
    let map: Matrix

    func run(_ rows: Range<Int>) {
        kernel_convolve_plane(
            plane.pointer, plane.rows, plane.columns, kernel.pointer, 5, bias, rows.lowerBound,
            rows.upperBound,
            map.pointer)
    }
}

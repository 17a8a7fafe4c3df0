import Checkpoints
import NeuralNetwork
import Tensors

/// DSFF, the paper's detail-enhanced and semantic-consistent feature fusion: joins the vision encoder's detail T1 with the
/// language model's picture states T2. Nothing here depends on the phrase.
struct DetailSemanticFusion {
    private let grid: Int
    /// t to d
    private let down: Linear
    private let attention: PostNormDecoderLayer<CrossAttention>
    private let upsampler: DynamicUpsampler
    /// 3 d to d
    private let adapter: Linear

    init(_ configuration: ModelConfiguration, from loader: WeightLoader) throws(CheckpointError) {
        let d = configuration.vision_config.hidden_size
        grid = configuration.grid
        down = try loader.linear(
            "res_decoder.img_llm_down", outputs: d, inputs: configuration.llm_config.hidden_size)
        attention = try PostNormDecoderLayer("res_decoder.ca_layer_v2l", width: d, from: loader)
        upsampler = try DynamicUpsampler("res_decoder.upsample_adapter_l", width: d, from: loader)
        adapter = try loader.linear("res_decoder.text_out_adapter", outputs: d, inputs: 3 * d)
    }

    /// detail T1 `[grid * grid, d]`, semantics T2 `[grid / 2 * grid / 2, t]`, out `[grid * grid, d]`.
    func apply(detail: Matrix, semantics: Matrix, into out: Matrix, in context: ComputeContext) {
        let d = detail.columns
        context.workspace.scope {
            let t3 = context.workspace.matrix(semantics.rows, d)
            down.apply(semantics, into: t3, in: context)
            context.observe("dec.img_llm_down", t3)
            // The adapter's input is the concatenation: each part is written where it belongs.
            let joined = context.workspace.matrix(detail.rows, 3 * d)
            attend(detail: detail, t3: t3, into: joined.columns(0..<d), in: context)
            joined.columns(d..<2 * d).copy(from: detail)
            upsampler.apply(
                t3, grid: grid / 2, into: joined.columns(2 * d..<3 * d), stage: "dec.dysample", in: context)
            adapter.apply(joined, into: out, in: context)
        }
        context.observe("dec.adapter", out)
    }

    private func attend(detail: Matrix, t3: Matrix, into out: Matrix, in context: ComputeContext) {
        context.workspace.scope {
            let x = context.workspace.matrix(detail.rows, detail.columns)
            attention.attendToSelf(detail, into: x, stage: "dec.v2l", in: context)
            let crossed = context.workspace.matrix(detail.rows, detail.columns)
            attention.cross.apply(queries: x, memory: t3, into: crossed, in: context)
            context.observe("dec.v2l.cross_attn", crossed)
            attention.norm2.apply(x, plus: crossed, into: out, in: context)
            attention.finish(out, stage: "dec.v2l", in: context)
        }
    }
}

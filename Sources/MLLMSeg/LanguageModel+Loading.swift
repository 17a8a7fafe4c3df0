import Checkpoints
import NeuralNetwork
import Tensors

extension LanguageModel {
    /// Where one family keeps what: the only place that knows its names.
    private struct Names {
        var embedding: String
        var head: String
        var inputNorm: String
        var feedForwardNorm: String
        var output: String
        var gate: String
        var up: String
        var down: String

        static let qwen2 = Names(
            embedding: "model.embed_tokens", head: "lm_head", inputNorm: "input_layernorm",
            feedForwardNorm: "post_attention_layernorm", output: "self_attn.o_proj", gate: "mlp.gate_proj",
            up: "mlp.up_proj", down: "mlp.down_proj")
        static let internLM2 = Names(
            embedding: "model.tok_embeddings", head: "output", inputNorm: "attention_norm",
            feedForwardNorm: "ffn_norm", output: "attention.wo", gate: "feed_forward.w1",
            up: "feed_forward.w3", down: "feed_forward.w2")
    }

    init(_ configuration: ModelConfiguration, from loader: WeightLoader) throws(CheckpointError) {
        let language = configuration.llm_config
        let isInternLM2 = configuration.family == .internLM2
        let names: Names = isInternLM2 ? .internLM2 : .qwen2
        // Peft wraps the model when LoRA is not merged.
        let wrapped = "language_model.base_model.model."
        let root = loader.checkpoint.containsKeys(prefix: wrapped) ? wrapped : "language_model."
        let (t, f) = (language.hidden_size, language.intermediate_size)
        width = t
        keyValueWidth = configuration.keyValueHeads * configuration.headSize
        queryHeads = language.num_attention_heads
        embedding = try loader.checkpoint.takeWeights(
            root + names.embedding + ".weight", outputs: language.vocab_size, inputs: t, mapped: loader.mapped
        )
        let headKey = root + names.head + ".weight"
        let tied = (language.tie_word_embeddings ?? false) && !loader.checkpoint.contains(headKey)
        let scores =
            tied
            ? embedding
            : try loader.checkpoint.takeWeights(
                headKey, outputs: language.vocab_size, inputs: t, mapped: loader.mapped)
        head = ArrangedWeights(scores)
        finalNorm = try loader.rmsNorm(root + "model.norm", t, epsilon: language.rms_norm_eps)
        var layers: [LanguageLayer] = []
        for index in 0..<language.num_hidden_layers {
            let key = root + "model.layers.\(index)."
            layers.append(
                LanguageLayer(
                    inputNorm: try loader.rmsNorm(
                        key + names.inputNorm, t, epsilon: language.rms_norm_eps),
                    projection: isInternLM2
                        ? try Self.internLM2Projection(configuration, key, loader)
                        : try Self.qwen2Projection(configuration, key, loader),
                    output: try loader.linear(key + names.output, outputs: t, inputs: t, bias: false),
                    feedForwardNorm: try loader.rmsNorm(
                        key + names.feedForwardNorm, t, epsilon: language.rms_norm_eps),
                    gate: ArrangedWeights(try loader.weights(key + names.gate, outputs: f, inputs: t)),
                    up: ArrangedWeights(try loader.weights(key + names.up, outputs: f, inputs: t)),
                    down: try loader.linear(key + names.down, outputs: t, inputs: f, bias: false)))
        }
        self.layers = layers
        rotary = Self.rotary(configuration)
        attention = Attention(
            headCount: language.num_attention_heads, keyValueHeads: configuration.keyValueHeads,
            headSize: configuration.headSize)
    }

    /// "dynamic" scaling changes theta only for prompts beyond max_position_embeddings, which ours never reach.
    private static func rotary(_ configuration: ModelConfiguration) -> RotaryEmbedding {
        let language = configuration.llm_config
        let scaling = language.rope_scaling
        let isLinear = (scaling?.type ?? scaling?.rope_type) == "linear"
        return RotaryEmbedding(
            headSize: configuration.headSize, theta: language.rope_theta ?? 10_000,
            positionScale: isLinear ? scaling?.factor ?? 1 : 1)
    }

    /// Queries, keys and values side by side.
    private static func qwen2Projection(
        _ configuration: ModelConfiguration, _ key: String, _ loader: WeightLoader
    ) throws(CheckpointError) -> Linear {
        let t = configuration.llm_config.hidden_size
        let kv = configuration.keyValueHeads * configuration.headSize
        let parts = [("self_attn.q_proj", t), ("self_attn.k_proj", kv), ("self_attn.v_proj", kv)]
        var weights: [WeightMatrix] = []
        let bias = Matrix(rows: 1, columns: t + 2 * kv)
        var start = 0
        for (name, outputs) in parts {
            weights.append(try loader.weights(key + name, outputs: outputs, inputs: t))
            bias.columns(start..<start + outputs).copy(
                from: try loader.bias(key + name, outputs))
            start += outputs
        }
        return Linear(weight: ArrangedWeights(weights), bias: bias)
    }

    /// `attention.wqkv` rows: for each key-value head, its query heads, its key, its value. Put in Qwen2's order.
    private static func internLM2Projection(
        _ configuration: ModelConfiguration, _ key: String, _ loader: WeightLoader
    ) throws(CheckpointError) -> Linear {
        let t = configuration.llm_config.hidden_size
        let (size, heads) = (configuration.headSize, configuration.keyValueHeads)
        let group = configuration.llm_config.num_attention_heads / heads * size
        let fused = try loader.weights(
            key + "attention.wqkv", outputs: t + 2 * heads * size, inputs: t)
        func rows(_ first: Int, _ count: Int) -> [WeightMatrix] {
            (0..<heads).map { head in
                let start = head * (group + 2 * size) + first
                return fused.outputs(start..<start + count)
            }
        }
        let weights = rows(0, group) + rows(group, size) + rows(group + size, size)
        return Linear(weight: ArrangedWeights(weights), bias: nil)
    }
}

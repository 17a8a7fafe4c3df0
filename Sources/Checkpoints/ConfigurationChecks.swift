extension ModelConfiguration {
    /// The first thing in this configuration that the model can't run, in words; nil when all is well.
    /// Sizes are bounded so that no product of them overflows.
    package var problem: String? {
        sizeProblem ?? visionProblem ?? languageProblem
    }

    private var sizeProblem: String? {
        let vision = vision_config
        let language = llm_config
        let sizes: [(String, Int, Int)] = [
            ("vision_config.hidden_size", vision.hidden_size, 1 << 16),
            ("vision_config.image_size", vision.image_size, 1 << 13),
            ("vision_config.patch_size", vision.patch_size, 1 << 8),
            ("vision_config.num_attention_heads", vision.num_attention_heads, 1 << 10),
            ("vision_config.num_hidden_layers", vision.num_hidden_layers, 1 << 10),
            ("vision_config.intermediate_size", vision.intermediate_size, 1 << 18),
            ("llm_config.hidden_size", language.hidden_size, 1 << 16),
            ("llm_config.intermediate_size", language.intermediate_size, 1 << 18),
            ("llm_config.num_hidden_layers", language.num_hidden_layers, 1 << 10),
            ("llm_config.num_attention_heads", language.num_attention_heads, 1 << 10),
            ("llm_config.num_key_value_heads", keyValueHeads, 1 << 10),
            ("llm_config.vocab_size", language.vocab_size, 1 << 22),
        ]
        for (name, value, limit) in sizes where value < 1 || value > limit {
            return "\(name) is \(value); expected 1 to \(limit)"
        }
        return nil
    }

    private var visionProblem: String? {
        let vision = vision_config
        if vision.image_size % (2 * vision.patch_size) != 0 {
            return "vision_config.image_size \(vision.image_size) is not a multiple of twice the patch size"
        }
        if vision.hidden_size % vision.num_attention_heads != 0 {
            return "vision_config.hidden_size does not divide into num_attention_heads"
        }
        // The mask decoder has 8 heads and 4 sampling groups.
        if vision.hidden_size % 8 != 0 { return "vision_config.hidden_size is not a multiple of 8" }
        if let norm = vision.norm_type, norm != "layer_norm" {
            return "vision_config.norm_type \(norm) is not supported (layer_norm is)"
        }
        if let activation = vision.hidden_act, activation != "gelu" {
            return "vision_config.hidden_act \(activation) is not supported (gelu is)"
        }
        if let size = force_image_size, size != vision.image_size {
            return "force_image_size \(size) differs from vision_config.image_size \(vision.image_size)"
        }
        if let ratio = downsample_ratio, ratio != 0.5 {
            return "downsample_ratio \(ratio) is not supported (0.5 is)"
        }
        if let layer = select_layer, layer != -1 {
            return "select_layer \(layer) is not supported (-1 is)"
        }
        if let version = ps_version, !["v1", "v2"].contains(version) {
            return "ps_version \(version) is not known (v1 and v2 are)"
        }
        return nil
    }

    private var languageProblem: String? {
        let language = llm_config
        if family == nil {
            let name = language.architectures?.first ?? language.model_type ?? "nothing"
            return
                "llm_config.architectures names \(name); Qwen2ForCausalLM and InternLM2ForCausalLM are supported"
        }
        if language.hidden_size % language.num_attention_heads != 0 || headSize % 2 != 0 {
            return "llm_config.hidden_size does not divide into num_attention_heads of an even size"
        }
        if language.num_attention_heads % keyValueHeads != 0 {
            return "llm_config.num_attention_heads is not a multiple of num_key_value_heads"
        }
        if let scaling = language.rope_scaling?.type ?? language.rope_scaling?.rope_type,
            !["default", "dynamic", "linear"].contains(scaling)
        {
            return "llm_config.rope_scaling.type \(scaling) is not supported (linear and dynamic are)"
        }
        if !(language.rope_theta ?? 10_000 > 0) { return "llm_config.rope_theta is not positive" }
        if let factor = language.rope_scaling?.factor, !(factor > 0) {
            return "llm_config.rope_scaling.factor is not positive"
        }
        return nil
    }
}

import FoundationEssentials

#if !FUZZING
    import Checkpoints
#endif

/// A config.json that is accepted has sizes that can be computed with.
enum ConfigurationFuzz {
    static func check(_ input: [UInt8]) throws(FuzzFinding) {
        guard let model = try? ModelConfiguration.parse(Data(input), path: "config.json") else { return }
        try require(model.family != nil, "no family")
        try require(model.grid >= 2 && model.tokenGrid * 2 == model.grid, "an odd grid")
        try require(
            model.imageTokens * model.llm_config.hidden_size * model.vision_config.hidden_size > 0
                && model.llm_config.vocab_size * model.llm_config.intermediate_size > 0
                && model.headSize % 2 == 0, "sizes without sense")
    }
}

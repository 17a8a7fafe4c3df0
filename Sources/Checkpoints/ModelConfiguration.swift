import FoundationEssentials

/// `config.json` of an MLLMSeg checkpoint: every size of the model comes from here.
public struct ModelConfiguration: Sendable, Decodable {
    public struct Vision: Sendable, Decodable {
        public var hidden_size: Int
        public var image_size: Int
        public var patch_size: Int
        public var num_attention_heads: Int
        public var num_hidden_layers: Int
        public var intermediate_size: Int
        public var layer_norm_eps: Float
        public var qk_normalization: Bool?
        public var qkv_bias: Bool?
        public var norm_type: String?
        public var hidden_act: String?
    }

    public struct RopeScaling: Sendable, Decodable {
        public var type: String?
        public var rope_type: String?
        public var factor: Double?
    }

    public struct Language: Sendable, Decodable {
        public var architectures: [String]?
        public var model_type: String?
        public var hidden_size: Int
        public var intermediate_size: Int
        public var num_hidden_layers: Int
        public var num_attention_heads: Int
        public var num_key_value_heads: Int?
        public var vocab_size: Int
        public var rms_norm_eps: Float
        public var rope_theta: Double?
        public var rope_scaling: RopeScaling?
        public var max_position_embeddings: Int?
        public var tie_word_embeddings: Bool?
    }

    public var vision_config: Vision
    public var llm_config: Language
    public var downsample_ratio: Double?
    public var ps_version: String?
    public var select_layer: Int?
    public var template: String?
    public var use_llm_lora: Int?
    public var force_image_size: Int?

    public enum Family: String, Sendable {
        case qwen2 = "Qwen2"
        case internLM2 = "InternLM2"
    }

    /// Reads and checks `directory/config.json`.
    public static func read(directory: String) throws(CheckpointError) -> ModelConfiguration {
        let path = directory + "/config.json"
        guard FileManager.default.fileExists(atPath: directory) else { throw .notAFolder(path: directory) }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .unreadable(path: path, reason: "cannot be read; a checkpoint folder has a config.json")
        }
        return try parse(data, path: path)
    }

    /// Checks the JSON of a config.json; `path` is for messages.
    package static func parse(_ data: Data, path: String) throws(CheckpointError) -> ModelConfiguration {
        let configuration: ModelConfiguration
        do {
            configuration = try JSONDecoder().decode(ModelConfiguration.self, from: data)
        } catch let error as DecodingError {
            throw .configuration(path: path, reason: Self.fact(of: error))
        } catch {
            throw .configuration(path: path, reason: "not JSON")
        }
        if let reason = configuration.problem { throw .configuration(path: path, reason: reason) }
        return configuration
    }

    /// The language model's family; nil for one that we don't know (then `problem` says so).
    public var family: Family? {
        switch llm_config.architectures?.first ?? llm_config.model_type {
        case "Qwen2ForCausalLM", "qwen2": .qwen2
        case "InternLM2ForCausalLM", "internlm2": .internLM2
        default: nil
        }
    }

    /// Cells along one side of the vision encoder's grid.
    public var grid: Int { vision_config.image_size / vision_config.patch_size }
    /// Picture tokens along one side after the pixel shuffle.
    public var tokenGrid: Int { grid / 2 }
    public var imageTokens: Int { tokenGrid * tokenGrid }
    public var keyValueHeads: Int { llm_config.num_key_value_heads ?? llm_config.num_attention_heads }
    public var headSize: Int { llm_config.hidden_size / llm_config.num_attention_heads }

    private static func fact(of error: DecodingError) -> String {
        func name(_ path: [any CodingKey]) -> String {
            path.isEmpty ? "the file" : path.map(\.stringValue).joined(separator: ".")
        }
        return switch error {
        case .keyNotFound(let key, let context): "\(name(context.codingPath + [key])) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "\(name(context.codingPath)) has the wrong type"
        case .dataCorrupted: "not valid JSON"
        @unknown default: "cannot be read"
        }
    }
}

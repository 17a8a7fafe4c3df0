import Checkpoints
import Tokenizers

/// What a checkpoint folder holds, for people: `mllmseg inspect`.
public struct ModelReport: Sendable, Codable {
    public struct Part: Sendable, Codable {
        public var name: String
        public var tensors: Int
        public var parameters: Int
        public var bytes: Int
    }

    public var directory: String
    public var family: String
    public var template: String
    /// Side of the square that pictures are resized to.
    public var imageSize: Int
    public var imageTokens: Int
    public var visionLayers: Int
    public var visionWidth: Int
    public var languageLayers: Int
    public var languageWidth: Int
    public var vocabulary: Int
    /// Stored number formats, most bytes first.
    public var types: [String]
    /// Rank of unmerged LoRA factors, nil when there are none.
    public var loraRank: Int?
    public var parts: [Part]
    public var parameters: Int
    public var storedBytes: Int
    /// Bytes that serving will hold: weights as the automatic placement keeps them.
    public var weightBytes: Int
    public var canReject: Bool?
    /// What stops the checkpoint from being served, one line each; empty when all is well.
    public var problems: [String]

    /// Reads headers only, then tries the strict load; a problem that stops it is reported, not thrown.
    /// Throws when there is no readable configuration or no weights at all.
    public init(directory: String) throws(CheckpointError) {
        let configuration = try ModelConfiguration.read(directory: directory)
        let checkpoint = try Checkpoint(directory: directory)
        let entries = checkpoint.entries
        self.directory = directory
        family = configuration.family?.rawValue ?? "unknown"
        template = configuration.template ?? "internvl2_5"
        imageSize = configuration.vision_config.image_size
        imageTokens = configuration.imageTokens
        visionLayers = configuration.vision_config.num_hidden_layers
        visionWidth = configuration.vision_config.hidden_size
        languageLayers = configuration.llm_config.num_hidden_layers
        languageWidth = configuration.llm_config.hidden_size
        vocabulary = configuration.llm_config.vocab_size
        types = Self.types(entries)
        loraRank = entries.first { $0.key.hasSuffix(".lora_A.default.weight") }?.shape.first
        parts = Self.parts(entries)
        parameters = checkpoint.parameters
        storedBytes = checkpoint.storedBytes
        let isMapped = WeightPlacement.automatic.isMapped(storedBytes: checkpoint.storedBytes)
        weightBytes = isMapped ? storedBytes : parameters * 4
        canReject = nil
        problems = []
        do {
            let model = try MLLMSegModel(directory: directory)
            canReject = model.model.canReject
        } catch {
            problems.append("\(error)")
        }
    }

    private static func types(_ entries: [TensorEntry]) -> [String] {
        let sizes = Dictionary(grouping: entries, by: \.type).mapValues {
            $0.reduce(0) { $0 + $1.range.count }
        }
        return sizes.sorted { ($0.value, $1.key.rawValue) > ($1.value, $0.key.rawValue) }.map(\.key.rawValue)
    }

    private static func parts(_ entries: [TensorEntry]) -> [Part] {
        let prefixes = [
            ("vision encoder", "vision_model."), ("projector", "mlp1."),
            ("language model", "language_model."), ("mask decoder", "res_decoder."),
        ]
        return prefixes.map { name, prefix in
            let own = entries.filter { $0.key.hasPrefix(prefix) }
            return Part(
                name: name, tensors: own.count,
                parameters: own.reduce(0) { $0 + $1.range.count / $1.type.bytes },
                bytes: own.reduce(0) { $0 + $1.range.count })
        }
    }
}

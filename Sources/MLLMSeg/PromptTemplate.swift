import Tokenizers

/// The chat prompt around a picture and a phrase, token by token as in training.
///
/// ChatML with the system message of the checkpoint's `template`; the picture comes before the phrase, so all up
/// to `</img>` is the same for every phrase. Phrases are encoded as plain text: a phrase that spells a
/// control token never becomes one.
struct PromptTemplate: Sendable {
    /// Token ids in front of the picture's tokens, `<img>` last.
    let beforeImage: [Int32]
    /// All of them but `<img>`: the same for every picture.
    var system: [Int32] { Array(beforeImage.dropLast()) }
    /// `<img>`.
    var imageStart: [Int32] { Array(beforeImage.suffix(1)) }
    /// `</img>`.
    let afterImage: [Int32]
    /// Stands where the projector's output goes; its own embedding is never looked up.
    let imageToken: Int32
    let segment: Int32
    let reject: Int32
    let endOfMessage: Int32
    private let tokenizer: any Tokenizer
    /// `<|im_end|>\n<|im_start|>`
    private let nextMessage: [Int32]

    static let systemMessages: [String: String] = [
        "internvl2_5":
            "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。",
        "internlm2-chat":
            "你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, 是一个有用无害的人工智能助手。",
        "Hermes-2":
            "你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, 是一个有用无害的人工智能助手。",
    ]

    init(name: String, tokenizer: any Tokenizer) throws(PromptError) {
        guard let system = Self.systemMessages[name] else { throw .unknownTemplate(name) }
        func token(_ spelling: String) throws(PromptError) -> Int32 {
            guard let id = tokenizer.addedToken(spelling) else { throw .missingToken(spelling) }
            return id
        }
        let start = try token("<|im_start|>")
        let end = try token("<|im_end|>")
        self.tokenizer = tokenizer
        segment = try token("[SEG]")
        reject = try token("[REJ]")
        endOfMessage = end
        let newline = tokenizer.encode("\n")
        var before: [Int32] = []
        if let first = tokenizer.beginOfSequence { before.append(first) }
        before += [start] + tokenizer.encode("system\n" + system) + [end] + newline
        before += [start] + tokenizer.encode("user\n") + [try token("<img>")]
        beforeImage = before
        afterImage = [try token("</img>")]
        nextMessage = [end] + newline + [start]
        imageToken = try token("<IMG_CONTEXT>")
    }

    /// Lower case, without surrounding space and full stops: how the authors write phrases into prompts.
    static func normalize(_ expression: String) -> String {
        let lowered = expression.lowercased()
        let trimmed = lowered.drop { $0.isWhitespace }
        var end = trimmed.endIndex
        while end > trimmed.startIndex, trimmed[trimmed.index(before: end)].isWhitespace {
            end = trimmed.index(before: end)
        }
        var phrase = trimmed[..<end]
        while phrase.first == "." { phrase.removeFirst() }
        while phrase.last == "." { phrase.removeLast() }
        return String(phrase)
    }

    /// What follows `</img>` for these phrases in one sequence, up to the last marker; the markers in front of it
    /// are [SEG]. Question and answer are the authors' evaluation template (note the leading space and the
    /// missing one before "in").
    func phrases(_ expressions: [String]) -> (ids: [Int32], markers: [Int]) {
        var ids = question(expressions)
        var markers: [Int] = []
        for (index, phrase) in expressions.map(Self.normalize).enumerated() {
            if index > 0 { ids.append(segment) }
            // All text between two control tokens is encoded at once: pieces may join across its parts.
            ids += tokenizer.encode((index == 0 ? "assistant\nSure," : ", ") + phrase + ":")
            markers.append(ids.count)
        }
        return (ids, markers)
    }

    /// What follows `</img>` when the model writes the answer itself.
    func openQuestion(_ expressions: [String]) -> [Int32] {
        question(expressions) + tokenizer.encode("assistant\n")
    }

    /// From behind `</img>` to the assistant's `<|im_start|>`.
    private func question(_ expressions: [String]) -> [Int32] {
        let phrases = expressions.map(Self.normalize).joined(separator: ", ")
        return tokenizer.encode("\n What are \(phrases)in this image? Please output segmentation masks.")
            + nextMessage
    }
}

/// Why a checkpoint's tokenizer and template don't make a prompt.
public enum PromptError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownTemplate(String)
    case missingToken(String)
    case vocabularyTooLarge(tokens: Int, rows: Int)

    public var description: String {
        switch self {
        case .unknownTemplate(let name):
            "config.json: template \(name) is not known ("
                + PromptTemplate.systemMessages.keys.sorted().joined(separator: ", ") + " are)"
        case .missingToken(let spelling):
            "the tokenizer has no token \(spelling); is this an MLLMSeg checkpoint?"
        case .vocabularyTooLarge(let tokens, let rows):
            "the tokenizer has \(tokens) tokens, but llm_config.vocab_size is \(rows)"
        }
    }
}

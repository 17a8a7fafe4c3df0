import FoundationEssentials
import Testing
import Tokenizers

@Suite struct SentencePieceTests {
    static let models = TestFiles.packageRoot.appending(path: "Tests/TokenizersTests/Fixtures/sentencepiece")

    private func model(_ name: String) -> String { Self.models.appending(path: name).path }

    /// Runs `body` with a copy of a model beside other files.
    private func with(_ name: String, _ files: [String: String], _ body: (any Tokenizer) throws -> Void)
        throws
    {
        try TestFiles.withDirectory(files) { directory in
            try FileManager.default.copyItem(
                atPath: model(name) + "/tokenizer.model", toPath: directory + "/tokenizer.model")
            try body(TokenizerLoader.load(directory: directory))
        }
    }

    /// InternLM2's model holds its control tokens as user-defined pieces "[UNUSED_TOKEN_145]", which the library
    /// matches in any text. Where the checkpoint names that id as an added token, a phrase must not reach it.
    @Test func aUserDefinedPieceThatIsAnAddedTokenIsOutOfReach() throws {
        let text = "a[UNUSED_TOKEN_145]b"
        let plain = try TokenizerLoader.load(directory: model("like_internlm2"))
        let id = try #require(plain.encode(text).first { plain.decode([$0]) == "[UNUSED_TOKEN_145]" })
        let config =
            "{\"added_tokens_decoder\": {\"\(id)\": {\"content\": \"<|im_end|>\", \"special\": true}}}"
        try with("like_internlm2", ["tokenizer_config.json": config]) { tokenizer in
            #expect(tokenizer.addedToken("<|im_end|>") == id)
            for text in [text, "<|im_end|>", "x<|im_end|>"] {
                let ids = tokenizer.encode(text)
                #expect(!ids.contains(id))
                #expect(tokenizer.decode(ids) == text)
            }
            #expect(tokenizer.encodeWithAddedTokens("a<|im_end|>").last == id)
            #expect(tokenizer.decode([id]) == "<|im_end|>")
        }
    }

    @Test func beginOfSequenceIsTheModels() throws {
        #expect(try TokenizerLoader.load(directory: model("like_internlm2")).beginOfSequence == 1)
        try with("like_internlm2", ["tokenizer_config.json": #"{"add_bos_token": false}"#]) {
            #expect($0.beginOfSequence == nil)
        }
    }

    @Test func addedTokensBeyondTheModel() throws {
        let files = ["added_tokens.json": #"{"[SEG]": 900, "[REJ]": 901}"#]
        try with("like_internlm2", files) { tokenizer in
            #expect(tokenizer.vocabularySize == 902)
            #expect(tokenizer.encodeWithAddedTokens("[SEG][REJ]") == [900, 901])
            #expect(tokenizer.encode("[SEG][REJ]").allSatisfy { $0 < 800 })
        }
    }

    /// With byte fallback and no normalisation nothing is lost.
    @Test(arguments: [
        "the left man", "  two  spaces ", "女人\n\t\u{0}é e\u{301} 🐶👨‍👩‍👧", "<0x0A> <unk> </s>", "▁", "",
    ])
    func decodeUndoesEncode(_ text: String) throws {
        let tokenizer = try TokenizerLoader.load(directory: model("like_internlm2"))
        let ids = tokenizer.encode(text)
        // U+2581 is the library's own spelling of a space, so it comes back as one.
        #expect(tokenizer.decode(ids) == text.replacing("▁", with: " "))
        let llama = try TokenizerLoader.load(directory: model("like_llama"))
        #expect(llama.decode([1] + llama.encode(text)) == text.replacing("▁", with: " "))
    }

    @Test func decodeSkipsWhatItDoesNotKnow() throws {
        let tokenizer = try TokenizerLoader.load(directory: model("rules"))
        #expect(tokenizer.decode([-1, 1, 2, .max]).isEmpty)
        #expect(tokenizer.encode("\u{10FFFF}\u{10FFFE}").filter { $0 == 0 }.count == 1)
    }

    @Test func longRunsAreCheap() throws {
        let tokenizer = try TokenizerLoader.load(directory: model("like_internlm2"))
        for unit in ["a", " ", "the ", "女", "[UNUSED_TOKEN_1]"] {
            let text = String(repeating: unit, count: 100_000 / unit.utf8.count)
            let time = ContinuousClock().measure { #expect(tokenizer.decode(tokenizer.encode(text)) == text) }
            #expect(time < .seconds(5))
        }
    }

    /// Cut at many offsets and with single bytes changed: an error or a tokenizer that works, never a trap.
    @Test func brokenModels() throws {
        for name in ["like_internlm2", "rules"] {
            let whole = try [UInt8](Data(contentsOf: URL(filePath: model(name) + "/tokenizer.model")))
            var loaded = 0
            func load(_ bytes: [UInt8]) {
                let tokenizer = try? SentencePieceTokenizer.load(
                    model: bytes, file: "m", directory: "/nonexistent")
                guard let tokenizer else { return }
                loaded += 1
                _ = tokenizer.decode(tokenizer.encode("ＡＢ the\u{3000}[SEG] e\u{301}"))
            }
            for length in stride(from: 0, to: whole.count, by: 61) { load(Array(whole[..<length])) }
            // Settings and the character map stand at the end.
            for at in Array(stride(from: 0, to: whole.count, by: 23)) + (whole.count - 700..<whole.count) {
                var bytes = whole
                bytes[at] ^= UInt8(1 << (at % 8))
                load(bytes)
            }
            #expect(loaded > 0)
        }
    }

    @Test func whatIsNoModelIsRefused() throws {
        for text in ["", "hello", "\u{8}\u{1}", "\n\u{7F}"] {
            try TestFiles.withDirectory(["tokenizer.model": text]) { directory in
                #expect {
                    try TokenizerLoader.load(directory: directory)
                } throws: { error in
                    guard case .malformed(let file, _) = error as? TokenizerError else { return false }
                    return file == directory + "/tokenizer.model"
                }
            }
        }
    }
}

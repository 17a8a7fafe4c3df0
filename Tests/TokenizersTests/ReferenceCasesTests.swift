import FoundationEssentials
import Testing
import Tokenizers

/// Strings whose ids the reference libraries gave (`compare_with_reference.py --fixture`).
@Suite struct ReferenceCasesTests {
    struct Case: Decodable {
        var vocabulary: String
        var text: String
        var added: Bool
        var ids: [Int32]?
        var hash: String?
    }

    private func check(_ vocabulary: String, directory: String) throws {
        let tokenizer = try TokenizerLoader.load(directory: directory)
        var checked = 0
        for line in try Data(contentsOf: TestFiles.fixture).split(separator: UInt8(ascii: "\n")) {
            let test = try JSONDecoder().decode(Case.self, from: line)
            guard test.vocabulary == vocabulary else { continue }
            let ids = test.added ? tokenizer.encodeWithAddedTokens(test.text) : tokenizer.encode(test.text)
            if let expected = test.ids { #expect(ids == expected, "\(test.text.debugDescription)") }
            if let expected = test.hash { #expect(fnv1a(ids) == expected, "\(test.text.debugDescription)") }
            checked += 1
        }
        #expect(checked >= 100)
    }

    private func fnv1a(_ ids: [Int32]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for id in ids {
            for shift in [0, 8, 16, 24] {
                hash = (hash ^ UInt64(UInt32(bitPattern: id) >> shift & 0xFF)) &* 0x100_0000_01B3
            }
        }
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    @Test func tinyVocabulary() throws {
        try check("tiny", directory: TestFiles.tiny)
    }

    @Test(.enabled(if: TestFiles.exists(TestFiles.qwen2), "skipped: ../shared/tokenizers is absent"))
    func qwen2Vocabulary() throws {
        try check("qwen2", directory: TestFiles.qwen2)
    }

    @Test(arguments: ["like_internlm2", "like_llama", "rules", "suffix"])
    func sentencePieceModels(_ name: String) throws {
        try check(name, directory: SentencePieceTests.models.appending(path: name).path)
    }

    @Test(.enabled(if: TestFiles.exists(TestFiles.internLM2), "skipped: ../shared/tokenizers is absent"))
    func internLM2Vocabulary() throws {
        try check("internlm2", directory: TestFiles.internLM2)
    }

    /// Prompts and phrases with InternVL2.5's added tokens, ids by transformers 4.37.2's slow Qwen2Tokenizer.
    @Test(.enabled(if: TestFiles.exists(TestFiles.golden), "skipped: ../shared/golden is absent"))
    func goldenPrompts() throws {
        struct Golden: Decodable {
            struct Case: Decodable {
                var text: String
                var ids: [Int32]
            }
            var added: [String: Int]
            var cases: [Case]
        }
        let golden = try JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: URL(filePath: TestFiles.golden)))
        let files = [
            "vocab.json": try TestFiles.text(TestFiles.qwen2 + "/vocab.json"),
            "merges.txt": try TestFiles.text(TestFiles.qwen2 + "/merges.txt"),
            "added_tokens.json": String(decoding: try JSONEncoder().encode(golden.added), as: UTF8.self),
        ]
        try TestFiles.withDirectory(files) { directory in
            let tokenizer = try TokenizerLoader.load(directory: directory)
            #expect(tokenizer.addedToken("[REJ]") == 151_675)
            for test in golden.cases {
                #expect(
                    tokenizer.encodeWithAddedTokens(test.text) == test.ids, "\(test.text.debugDescription)")
            }
        }
    }

    /// 151,643 tokens and as many merges; the limit is ten times what two busy cores need.
    @Test(.enabled(if: TestFiles.exists(TestFiles.qwen2), "skipped: ../shared/tokenizers is absent"))
    func realVocabularyLoadsQuickly() throws {
        let clock = ContinuousClock()
        var tokenizer: (any Tokenizer)?
        let loading = try clock.measure { tokenizer = try TokenizerLoader.load(directory: TestFiles.qwen2) }
        let loaded = try #require(tokenizer)
        let phrase = "the man in the red shirt on the left of the second umbrella, near the bus"
        var tokens = 0
        let encoding = clock.measure { for _ in 0..<1000 { tokens += loaded.encode(phrase).count } }
        print(
            "Qwen2 vocabulary loaded in \(loading); a phrase of \(tokens / 1000) tokens takes \(encoding / 1000)"
        )
        #expect(loaded.vocabularySize == 151_655)
        #expect(loading < .seconds(5))
    }
}

import Testing
import Tokenizers

@Suite struct ByteLevelBPETests {
    let tokenizer: any Tokenizer

    init() throws {
        tokenizer = try TokenizerLoader.load(directory: TestFiles.tiny)
    }

    @Test func addedTokensComeFromTheFiles() {
        #expect(tokenizer.addedToken("[SEG]") == 471)
        #expect(tokenizer.addedToken("[REJ]") == 472)
        #expect(tokenizer.addedToken("<IMG_CONTEXT>") == 464)
        #expect(tokenizer.addedToken("[seg]") == nil)
        #expect(tokenizer.addedToken("the") == nil)
        #expect(tokenizer.vocabularySize == 473)
        #expect(tokenizer.beginOfSequence == nil)
    }

    /// A phrase that spells a control token is words, whatever surrounds it.
    @Test(arguments: [
        "[SEG]", "[REJ]", "<IMG_CONTEXT>", "<|im_end|>", "a[SEG]b", " [SEG]", "[SEG][SEG]",
        "<|im_end|>\n<|im_start|>",
        "<img>", "[\u{200B}SEG]", "<|endoftext|>",
    ])
    func plainTextNeverBecomesAnAddedToken(_ text: String) {
        let ids = tokenizer.encode(text)
        #expect(ids.allSatisfy { $0 < 440 })
        #expect(tokenizer.decode(ids) == text)
    }

    @Test func templatesDoUseAddedTokens() throws {
        let ids = tokenizer.encodeWithAddedTokens("<|im_start|>a[SEG], [REJ]<|im_end|>")
        #expect(ids.first == 441)
        #expect(ids.last == 442)
        #expect(ids.filter { $0 >= 440 } == [441, 471, 472, 442])
        #expect(tokenizer.decode(ids) == "<|im_start|>a[SEG], [REJ]<|im_end|>")
    }

    @Test func emptyTextHasNoIds() {
        #expect(tokenizer.encode("").isEmpty)
        #expect(tokenizer.encodeWithAddedTokens("").isEmpty)
        #expect(tokenizer.decode([]).isEmpty)
    }

    @Test func decodeSkipsUnknownIdsAndRepairsBrokenUTF8() {
        #expect(tokenizer.decode([-1, 473, .max, .min]).isEmpty)
        let euro = tokenizer.encode("€")
        #expect(tokenizer.decode(euro) == "€")
        #expect(tokenizer.decode(Array(euro.dropLast())).contains("\u{FFFD}"))
    }

    @Test func textIsComposedFirst() {
        #expect(tokenizer.encode("e\u{301}") == tokenizer.encode("\u{E9}"))
        // Marks below a Tibetan compound sign, which is no starter, are put in order.
        #expect(tokenizer.encode("<\u{10A38}\u{F75}") == tokenizer.encode("<\u{F71}\u{F74}\u{10A38}"))
    }

    /// Quadratic merging would take minutes here.
    @Test func longRunsWithoutSpacesAreCheap() {
        let clock = ContinuousClock()
        for unit in ["a", "the", "=", " ", "\n", "é", "[SEG]"] {
            let text = String(repeating: unit, count: 200_000 / unit.utf8.count)
            var ids: [Int32] = []
            let time = clock.measure { ids = tokenizer.encode(text) }
            #expect(tokenizer.decode(ids).utf8.count == text.utf8.count)
            #expect(time < .seconds(5))
        }
    }

    /// The same vocabulary as one tokenizer.json, with both spellings of a merge.
    @Test(arguments: [true, false])
    func tokenizerJSONEqualsSeparateFiles(pairs: Bool) throws {
        let merges = try TestFiles.text(TestFiles.tiny + "/merges.txt").split(separator: "\n").dropFirst().map
        {
            let escaped = $0.split(separator: " ").map { "\"\($0)\"" }
            return pairs ? "[\(escaped.joined(separator: ","))]" : "\"\($0)\""
        }
        let pattern =
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"#
        let json = """
            {"added_tokens": [{"id": 471, "content": "[SEG]", "special": true}], "normalizer": {"type": "NFC"},
             "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
               {"type": "Split", "pattern": {"Regex": "\(pattern)"}, "behavior": "Isolated", "invert": false},
               {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]},
             "model": {"type": "BPE", "vocab": \(try TestFiles.text(TestFiles.tiny + "/vocab.json")),
                       "merges": [\(merges.joined(separator: ","))]}}
            """
        try TestFiles.withDirectory(["tokenizer.json": json]) { directory in
            let other = try TokenizerLoader.load(directory: directory)
            for text in ["the man in the red shirt's left, 12 [SEG]", "  女人\n\n x", "e\u{301}"] {
                #expect(other.encode(text) == tokenizer.encode(text))
            }
            #expect(other.encodeWithAddedTokens("the[SEG]").last == 471)
            #expect(other.vocabularySize == 472)
        }
    }
}

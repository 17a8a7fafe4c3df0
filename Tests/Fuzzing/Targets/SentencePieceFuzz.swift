#if !FUZZING
    import Tokenizers
#endif

/// A tokenizer.model that is accepted encodes anything to ids that it knows, and decodes them without a trap.
enum SentencePieceFuzz {
    static func check(_ input: [UInt8]) throws(FuzzFinding) {
        let loaded = try? SentencePieceTokenizer.load(
            model: input, file: "tokenizer.model", directory: "/dev/null")
        guard let loaded else { return }
        for text in ["", "the left dog", " \u{1F600}\u{0}é  x ", String(repeating: "aab", count: 50)] {
            let ids = loaded.encode(text)
            try require(
                ids.allSatisfy { $0 >= 0 && Int($0) < loaded.vocabularySize }, "an id beyond the vocabulary")
            _ = loaded.decode(ids)
        }
    }
}

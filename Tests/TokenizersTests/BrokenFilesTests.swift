import Testing
import Tokenizers

/// Broken tokenizer files give a typed error that names the file; none may trap.
@Suite struct BrokenFilesTests {
    private func failure(_ files: [String: String]) throws -> TokenizerError? {
        var found: TokenizerError?
        try TestFiles.withDirectory(files) { directory in
            do throws(TokenizerError) {
                _ = try TokenizerLoader.load(directory: directory)
            } catch {
                found = error
                #expect(error.description.contains(directory) || error.description.contains("added token"))
            }
        }
        return found
    }

    private func with(_ changes: [String: String]) -> [String: String] {
        AddedTokenTests.files.merging(changes) { $1 }
    }

    @Test func aFolderWithoutTokenizer() throws {
        guard case .noTokenizerFiles = try failure([:]) else {
            Issue.record("expected noTokenizerFiles")
            return
        }
    }

    @Test(arguments: [
        "", "{", "{\"a\"", "{\"a\":", "{\"a\": 1,}", "{\"a\" 1}", "[1", "nul", "{\"a\": 1} x", "\"\\u12",
        "\"\\x\"", "\"",
        "{\"a\": --1}", "{a: 1}", String(repeating: "[", count: 100_000),
    ])
    func malformedJSON(_ text: String) throws {
        guard case .malformedJSON = try failure(with(["vocab.json": text])) else {
            Issue.record("expected malformedJSON for \(text.prefix(20))")
            return
        }
    }

    @Test(arguments: [
        "[]", "3", "{\"a\": \"x\"}", "{\"a\": -1}", "{\"a\": 1.5}", "{\"a\": 99999999999999999999}",
        "{\"a\": 16777216}",
    ])
    func malformedVocabulary(_ text: String) throws {
        guard case .malformed = try failure(with(["vocab.json": text])) else {
            Issue.record("expected malformed for \(text)")
            return
        }
    }

    @Test func duplicates() throws {
        guard case .duplicateToken = try failure(with(["vocab.json": #"{"a": 1, "a": 2}"#])) else {
            Issue.record("expected duplicateToken")
            return
        }
        guard case .duplicateID(_, id: 1, _) = try failure(with(["vocab.json": #"{"a": 1, "b": 1}"#])) else {
            Issue.record("expected duplicateID")
            return
        }
    }

    @Test func aVocabularyNeedsAllBytes() throws {
        guard case .missingByte(_, byte: 0) = try failure(["vocab.json": #"{"a": 1}"#, "merges.txt": ""])
        else {
            Issue.record("expected missingByte")
            return
        }
    }

    @Test(arguments: [("a b\nab ab\n", 2), ("zz a\n", 1), ("a 女\n", 1), ("b a\n", 1)])
    func mergesOutsideTheVocabulary(_ merges: String, line: Int) throws {
        guard case .mergeOutsideVocabulary(_, line: let found, _) = try failure(with(["merges.txt": merges]))
        else {
            Issue.record("expected mergeOutsideVocabulary for \(merges)")
            return
        }
        #expect(found == line)
    }

    @Test(arguments: ["a\n", "a b c\n", " b\n", "#version: 0.2\nab\n"])
    func malformedMerges(_ merges: String) throws {
        guard case .malformed = try failure(with(["merges.txt": merges])) else {
            Issue.record("expected malformed for \(merges)")
            return
        }
    }

    @Test func addedTokensMustAgree() throws {
        let config = #"{"added_tokens_decoder": {"300": {"content": "<a>"}}}"#
        for added in [#"{"<a>": 301}"#, #"{"<b>": 300}"#] {
            let found = try failure(with(["tokenizer_config.json": config, "added_tokens.json": added]))
            guard case .addedTokenConflict = found else {
                Issue.record("expected addedTokenConflict for \(added)")
                return
            }
        }
        #expect(
            try failure(with(["tokenizer_config.json": config, "added_tokens.json": #"{"<a>": 300}"#])) == nil
        )
    }

    @Test(arguments: [
        #"{"model": {"type": "Unigram", "vocab": []}}"#,
        #"{"model": {"type": "BPE", "vocab": {}, "merges": []}}"#,
    ])
    func unsupportedTokenizerJSON(_ json: String) throws {
        guard case .unsupported = try failure(["tokenizer.json": json]) else {
            Issue.record("expected unsupported")
            return
        }
    }

    /// Every prefix of good files is refused or loads; none traps.
    @Test func truncatedFiles() throws {
        let vocabulary = AddedTokenTests.files["vocab.json", default: ""]
        var loaded = 0
        for length in stride(from: 0, to: vocabulary.utf8.count, by: 37) {
            let cut = String(decoding: vocabulary.utf8.prefix(length), as: UTF8.self)
            if try failure(with(["vocab.json": cut])) == nil { loaded += 1 }
        }
        #expect(loaded == 0)
    }
}

import Testing
import Tokenizers

/// Flags of added tokens; the expected ids follow Hugging Face `tokenizers` 0.21.
@Suite struct AddedTokenTests {
    /// 256 bytes in order of value, so that a byte's id is the byte; "ab" is 256.
    static let files: [String: String] = {
        var spelled: [String] = []
        var next: UInt32 = 0x100
        for byte in UInt32(0)..<256 {
            let printable = 0x21...0x7E ~= byte || 0xA1...0xAC ~= byte || byte >= 0xAE
            let scalar = printable ? byte : next
            if !printable { next += 1 }
            let text = String(Unicode.Scalar(scalar).map(Character.init) ?? "?")
            spelled.append("\"\(text == "\"" || text == "\\" ? "\\" + text : text)\": \(byte)")
        }
        return [
            "vocab.json": "{" + (spelled + ["\"ab\": 256"]).joined(separator: ", ") + "}",
            "merges.txt": "#version: 0.2\na b\n",
        ]
    }()

    private func ids(_ text: String, entries: [String]) throws -> [Int32] {
        let config = "{\"added_tokens_decoder\": {" + entries.joined(separator: ", ") + "}}"
        var ids: [Int32] = []
        try TestFiles.withDirectory(Self.files.merging(["tokenizer_config.json": config]) { $1 }) {
            ids = try TokenizerLoader.load(directory: $0).encodeWithAddedTokens(text)
        }
        return ids
    }

    @Test func longestMatchWins() throws {
        let entries = [
            #""300": {"content": "<a"}"#, #""301": {"content": "<a>"}"#, #""302": {"content": "a>"}"#,
        ]
        #expect(try ids("<a><aa>", entries: entries) == [301, 300, 302])
    }

    @Test func spacesAreStrippedOnlyWhereTheTokenSaysSo() throws {
        let entries = [
            #""300": {"content": "<l>", "lstrip": true}"#, #""301": {"content": "<r>", "rstrip": true}"#,
            #""302": {"content": "<n>"}"#,
        ]
        #expect(try ids("x <l> y", entries: entries) == [120, 300, 32, 121])
        #expect(try ids("x <r>\n\u{3000}y", entries: entries) == [120, 32, 301, 121])
        #expect(try ids("x <n> y", entries: entries) == [120, 32, 302, 32, 121])
        #expect(try ids("<r>  <l>", entries: entries) == [301, 300])
    }

    @Test func singleWordsStandAlone() throws {
        let entries = [#""300": {"content": "cat", "single_word": true}"#]
        #expect(try ids("cat", entries: entries) == [300])
        #expect(try ids("(cat)", entries: entries) == [40, 300, 41])
        #expect(try ids("cats", entries: entries) == [99, 97, 116, 115])
        #expect(try ids("_cat", entries: entries) == [95, 99, 97, 116])
    }

    /// U+0338 after ">" composes to U+226F: only a token of the normalised text disappears by it.
    @Test func normalizedTokensAreSoughtInComposedText() throws {
        let raw = #""300": {"content": "<a>", "normalized": false}"#
        let normalized = #""300": {"content": "<a>", "normalized": true}"#
        #expect(try ids("<a>\u{338}", entries: [raw]) == [300, 0xCC, 0xB8])
        #expect(try ids("<a>\u{338}", entries: [normalized]) == [60, 97, 0xE2, 0x89, 0xAF])
        #expect(try ids("<a>", entries: [normalized]) == [300])
    }

    /// An added token that the vocabulary and its merges could also spell stays out of reach of plain text.
    @Test func mergesNeverMakeAnAddedToken() throws {
        let config = #"{"added_tokens_decoder": {"256": {"content": "ab", "special": true}}}"#
        try TestFiles.withDirectory(Self.files.merging(["tokenizer_config.json": config]) { $1 }) {
            let tokenizer = try TokenizerLoader.load(directory: $0)
            #expect(tokenizer.encode("ab") == [97, 98])
            #expect(tokenizer.encodeWithAddedTokens("ab") == [256])
        }
    }

    @Test func specialTokensOfTheVocabularyAreAddedTokens() throws {
        try TestFiles.withDirectory(
            Self.files.merging([
                "special_tokens_map.json": #"{"eos_token": {"content": "ab"}, "pad_token": "zz"}"#
            ]) { $1 }
        ) {
            let tokenizer = try TokenizerLoader.load(directory: $0)
            #expect(tokenizer.addedToken("ab") == 256)
            #expect(tokenizer.addedToken("zz") == nil)
            #expect(tokenizer.encode("ab") == [97, 98])
        }
    }
}

import FoundationEssentials
import Testing

/// Where the tests find their files: the package's own, and those that only some machines have.
enum TestFiles {
    static let packageRoot = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    /// Our own tiny vocabulary: 440 byte-level tokens and 33 added ones.
    static let tiny = packageRoot.appending(path: "Tests/MLLMSegTests/Golden/qwen2_merged").path
    static let fixture = packageRoot.appending(path: "Tests/TokenizersTests/Fixtures/reference_cases.jsonl")
    /// Real vocabularies; they are other people's files and not part of the package.
    static let qwen2 = packageRoot.appending(path: "../shared/tokenizers/qwen2-internvl2-1b").path
    static let internLM2 = packageRoot.appending(path: "../shared/tokenizers/internlm2").path

    static let golden = packageRoot.appending(path: "../shared/golden/tokenizer_qwen2.json").path

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// Runs `body` with a fresh folder holding these files.
    static func withDirectory(_ files: [String: String], _ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "tokenizer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, text) in files {
            try Data(text.utf8).write(to: directory.appending(path: name))
        }
        try body(directory.path)
    }

    static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }
}

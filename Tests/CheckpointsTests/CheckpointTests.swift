import Checkpoints
import Foundation
import Testing

/// Folders as people have them: whole, broken, or not a checkpoint at all.
@Suite struct CheckpointTests {
    /// A folder of its own for one test, removed at the end.
    private final class Folder {
        let path = NSTemporaryDirectory() + "checkpoint-" + UUID().uuidString

        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ name: String, _ text: String) throws {
            try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
        }

        func write(_ name: String, tensors: [(String, [Int], [Float])]) throws {
            var header: [String] = []
            var data = Data()
            for (key, shape, values) in tensors {
                let start = data.count
                for value in values {
                    withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
                }
                header.append(
                    #""\#(key)":{"dtype":"F32","shape":\#(shape),"data_offsets":[\#(start),\#(data.count)]}"#)
            }
            let text = Data(("{" + header.joined(separator: ",") + "}").utf8)
            var file = Data()
            withUnsafeBytes(of: UInt64(text.count).littleEndian) { file.append(contentsOf: $0) }
            try (file + text + data).write(to: URL(filePath: path + "/" + name))
        }
    }

    private func message(_ body: () throws -> Void) throws -> String {
        try #require(#expect(throws: CheckpointError.self, performing: body)).description
    }

    @Test func takesEachTensorOnceAndNamesWhatIsWrong() throws {
        let folder = try Folder()
        try folder.write(
            "model.safetensors", tensors: [("a.weight", [2, 2], [1, 2, 3, 4]), ("b", [1], [5])])
        let checkpoint = try Checkpoint(directory: folder.path)
        #expect(try checkpoint.take("a.weight", [2, 2]).values == [1, 2, 3, 4])
        let unused = try message { try checkpoint.finish() }
        #expect(unused.contains("1 unused") && unused.contains("b"))
        let missing = try message { _ = try checkpoint.take("c.weight", [7]) }
        #expect(missing.contains("c.weight") && missing.contains("[7]"))
        let shape = try message { _ = try checkpoint.take("b", [2]) }
        #expect(shape.contains("b: expected shape [2], found [1]"))
        checkpoint.ignore("b")
        try checkpoint.finish()
    }

    @Test func readsShardsAndRefusesATensorInTwo() throws {
        let folder = try Folder()
        try folder.write("x-1.safetensors", tensors: [("a", [1], [1])])
        try folder.write("x-2.safetensors", tensors: [("b", [1], [2])])
        let index = "model.safetensors.index.json"
        try folder.write(index, #"{"weight_map":{"a":"x-1.safetensors","b":"x-2.safetensors"}}"#)
        #expect(try Checkpoint(directory: folder.path).entries.map(\.key) == ["a", "b"])
        try folder.write("x-2.safetensors", tensors: [("a", [1], [2])])
        #expect(try message { _ = try Checkpoint(directory: folder.path) }.contains("another shard"))
    }

    @Test(arguments: [
        ("../x.safetensors", "not a plain file name"), ("gone.safetensors", "gone.safetensors"),
    ])
    func refusesShardNamesThatLeadOut(name: String, expected: String) throws {
        let folder = try Folder()
        try folder.write("model.safetensors.index.json", #"{"weight_map":{"a":"\#(name)"}}"#)
        #expect(try message { _ = try Checkpoint(directory: folder.path) }.contains(expected))
    }

    @Test func saysWhatToDoWithPicklesAndEmptyFolders() throws {
        let folder = try Folder()
        #expect(try message { _ = try Checkpoint(directory: folder.path) }.contains("model.safetensors"))
        try folder.write("pytorch_model.bin", "\u{80}\u{2}")
        #expect(try message { _ = try Checkpoint(directory: folder.path) }.contains("convert_pickle.py"))
        #expect(try message { _ = try Checkpoint(directory: folder.path + "/no") }.contains("no such folder"))
        try folder.write("model.safetensors", "")
        #expect(try message { _ = try Checkpoint(directory: folder.path) }.contains("empty"))
    }

    @Test(arguments: [
        ("", "not valid JSON"), ("{}", "is missing"), ("[1]", "wrong type"),
        (#"{"vision_config":{"hidden_size":"x"}}"#, "vision_config.hidden_size has the wrong type"),
    ])
    func namesWhatIsWrongInConfigurations(text: String, expected: String) throws {
        let folder = try Folder()
        try folder.write("config.json", text)
        #expect(
            try message { _ = try ModelConfiguration.read(directory: folder.path) }.contains(expected))
    }

    private static let configuration = """
        {"vision_config":{"hidden_size":64,"image_size":112,"patch_size":14,"num_attention_heads":4,
        "num_hidden_layers":2,"intermediate_size":160,"layer_norm_eps":1e-6},"llm_config":{"architectures":
        ["Qwen2ForCausalLM"],"hidden_size":48,"intermediate_size":112,"num_hidden_layers":2,
        "num_attention_heads":6,"num_key_value_heads":2,"vocab_size":473,"rms_norm_eps":1e-6}}
        """

    @Test(arguments: [
        (#""num_hidden_layers":2,"#, #""num_hidden_layers":0,"#, "num_hidden_layers is 0"),
        (#""vocab_size":473"#, #""vocab_size":99999999999"#, "vocab_size"),
        ("Qwen2ForCausalLM", "LlamaForCausalLM", "LlamaForCausalLM"),
        (#""image_size":112"#, #""image_size":100"#, "multiple of twice the patch"),
        (#""num_key_value_heads":2"#, #""num_key_value_heads":4"#, "num_key_value_heads"),
        (#""hidden_size":64"#, #""hidden_size":-64"#, "vision_config.hidden_size is -64"),
        (#""patch_size":14"#, #""patch_size":14,"norm_type":"rms_norm""#, "norm_type rms_norm"),
    ])
    func refusesSizesThatCanNotRun(find: String, replacement: String, expected: String) throws {
        let folder = try Folder()
        try folder.write("config.json", Self.configuration)
        _ = try ModelConfiguration.read(directory: folder.path)
        let broken = Self.configuration.replacingOccurrences(of: find, with: replacement)
        #expect(broken != Self.configuration)
        try folder.write("config.json", broken)
        #expect(
            try message { _ = try ModelConfiguration.read(directory: folder.path) }.contains(expected))
    }
}

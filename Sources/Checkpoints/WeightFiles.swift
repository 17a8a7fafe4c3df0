import FoundationEssentials

extension Checkpoint {
    /// `model.safetensors.index.json`, of which only the file of each tensor matters.
    private struct Index: Decodable {
        var weight_map: [String: String]
    }

    /// Names of the safetensors files of a folder: the single file, or what the index names.
    static func weightFiles(in directory: String) throws(CheckpointError) -> [String] {
        let files = FileManager.default
        guard let names = try? files.contentsOfDirectory(atPath: directory) else {
            throw .notAFolder(path: directory)
        }
        if names.contains("model.safetensors.index.json") {
            return try shards(directory + "/model.safetensors.index.json")
        }
        if names.contains("model.safetensors") { return ["model.safetensors"] }
        if let pickle = names.sorted().first(where: { $0.hasSuffix(".bin") || $0.hasSuffix(".pth") }) {
            throw .pickleRefused(path: directory + "/" + pickle)
        }
        throw .noWeights(directory: directory)
    }

    private static func shards(_ path: String) throws(CheckpointError) -> [String] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .unreadable(path: path, reason: "cannot be read")
        }
        guard let index = try? JSONDecoder().decode(Index.self, from: data) else {
            throw .malformedFile(path: path, reason: "not an index: weight_map is missing or not an object")
        }
        let names = Set(index.weight_map.values).sorted()
        // A name from a file must not lead out of the folder.
        if let bad = names.first(where: { $0.contains("/") || $0.hasPrefix(".") || $0.isEmpty }) {
            throw .malformedFile(
                path: path, reason: "weight_map names \(bad), which is not a plain file name")
        }
        guard !names.isEmpty else { throw .malformedFile(path: path, reason: "weight_map is empty") }
        return names
    }
}

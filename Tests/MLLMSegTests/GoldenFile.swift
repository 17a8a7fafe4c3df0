import Checkpoints
import Foundation
import Tensors

/// Reference numbers written by an independent implementation: tensors by name, facts beside them.
struct GoldenFile {
    let tensors: [String: TensorEntry]
    let facts: GoldenFacts
    private let file: MappedFile
    private let dataStart: Int

    static var folder: String { Bundle.module.bundlePath + "/Golden" }

    /// Where Tests/Reference/large_checkpoint.py wrote more of them, when the environment says so.
    static let generatedFolder = ProcessInfo.processInfo.environment["MLLMSEG_GOLDEN"]

    static var generatedNames: [String] {
        let names = generatedFolder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0) } ?? []
        return names.filter { $0.hasPrefix("golden_") && $0.hasSuffix(".json") }
            .map { String($0.dropFirst("golden_".count).dropLast(".json".count)) }.sorted()
    }

    /// `folder`/golden_`name`.safetensors and .json.
    init(_ name: String, folder: String = Self.folder) throws {
        let path = folder + "/golden_\(name)"
        file = try MappedFile(path: path + ".safetensors")
        let (entries, start) = try SafetensorsHeader.parse(file.bytes, path: file.path)
        tensors = Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0) })
        dataStart = start
        let data = try Data(contentsOf: URL(filePath: path + ".json"))
        facts = try JSONDecoder().decode(GoldenFacts.self, from: data)
    }

    func floats(_ key: String) throws -> [Float] {
        let bytes = try bytes(key, .float32)
        return bytes.withUnsafeBytes { raw in
            (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
    }

    func integers(_ key: String) throws -> [Int32] {
        let bytes = try bytes(key, .int32)
        return bytes.withUnsafeBytes { raw in
            (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
        }
    }

    func pixels(_ key: String) throws -> [UInt8] { try bytes(key, .uint8) }

    private func bytes(_ key: String, _ type: StoredType) throws -> [UInt8] {
        guard let entry = tensors[key], entry.type == type else { throw GoldenError.missing(key) }
        let start = dataStart + entry.range.lowerBound
        return Array(file.bytes[start..<start + entry.range.count])
    }
}

enum GoldenError: Error {
    case missing(String)
}

struct GoldenFacts: Decodable {
    struct Case: Decodable {
        var length: Int
        var markers: [Int]
        var argmax_before_marker: [Int32]
        var rejected: [Bool]
        var boxes: [Box]
        var exprs: [String]?
        var parts: [String]?
    }

    struct Box: Decodable {
        var expr: Int
        var size: [Int]
        var box: [Int]
        var area: Int
    }

    var cases: [String: Case]
    var images: [String: [Int]]
    var special_ids: [String: Int32]
}

import CKernels
import FoundationEssentials
import Tensors

/// A checkpoint folder as the authors save it: config.json and safetensors, one file or shards with an index.
///
/// Loading is strict: each `take` marks its tensor as used, and `finish` refuses what nobody took. Used by one
/// thread while the model loads; what it hands out stays valid for as long as it is held.
public final class Checkpoint {
    public let directory: String
    private var tensors: [String: Stored] = [:]
    private var taken: Set<String> = []

    private struct Stored {
        let entry: TensorEntry
        let file: MappedFile
        let dataStart: Int

        var bytes: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(
                rebasing: file.bytes[dataStart + entry.range.lowerBound..<dataStart + entry.range.upperBound])
        }
    }

    public init(directory: String) throws(CheckpointError) {
        self.directory = directory
        for name in try Self.weightFiles(in: directory) {
            let file = try MappedFile(path: directory + "/" + name)
            let (entries, dataStart) = try SafetensorsHeader.parse(file.bytes, path: file.path)
            for entry in entries {
                guard tensors[entry.key] == nil else {
                    throw .malformedTensor(
                        path: file.path, key: entry.key, reason: "is in another shard too")
                }
                tensors[entry.key] = Stored(entry: entry, file: file, dataStart: dataStart)
            }
        }
    }

    /// Every tensor's entry, sorted by key.
    public var entries: [TensorEntry] { tensors.values.map(\.entry).sorted { $0.key < $1.key } }

    /// Bytes of all tensors as stored.
    public var storedBytes: Int { tensors.values.reduce(0) { $0 + $1.entry.range.count } }

    /// Numbers that make up the model.
    public var parameters: Int {
        tensors.values.filter { ![.int64, .int32, .uint8].contains($0.entry.type) }
            .reduce(0) { $0 + $1.entry.range.count / $1.entry.type.bytes }
    }

    /// A tensor's shape as stored; nil where there is no such tensor.
    public func shape(of key: String) -> [Int]? { tensors[key]?.entry.shape }

    public func contains(_ key: String) -> Bool { tensors[key] != nil }

    /// Whether any key starts with `prefix`.
    public func containsKeys(prefix: String) -> Bool { tensors.keys.contains { $0.hasPrefix(prefix) } }

    /// float32 numbers of a tensor of exactly this shape, as `[rows, columns]` with rows the first dimension
    /// and the others joined; a single dimension is one row.
    public func take(_ key: String, _ shape: [Int]) throws(CheckpointError) -> Matrix {
        let stored = try find(key, shape)
        let count = shape.reduce(1, *)
        let rows = shape.count > 1 ? shape[0] : 1
        let matrix = Matrix(rows: rows, columns: rows == 0 ? 0 : count / rows)
        try widen(stored, into: matrix.pointer, count: count)
        return matrix
    }

    /// The weights of a linear layer. bfloat16 stays in the mapped file when `mapped` asks for it.
    public func takeWeights(
        _ key: String, outputs: Int, inputs: Int, mapped: Bool
    ) throws(CheckpointError) -> WeightMatrix {
        let stored = try find(key, [outputs, inputs])
        let address = UInt(bitPattern: stored.bytes.baseAddress)
        guard mapped, stored.entry.type == .bfloat16, address % 2 == 0, let base = stored.bytes.baseAddress
        else { return WeightMatrix(try take(key, [outputs, inputs])) }
        let halves = MappedHalves(
            pointer: base.assumingMemoryBound(to: UInt16.self), count: outputs * inputs, owner: stored.file)
        return WeightMatrix(mapped: halves, outputs: outputs, inputs: inputs)
    }

    /// Marks a tensor that carries nothing for inference (BatchNorm's step count) as known, where it exists.
    public func ignore(_ key: String) {
        if tensors[key] != nil { taken.insert(key) }
    }

    /// Refuses tensors that no layer took.
    public func finish() throws(CheckpointError) {
        let unused = tensors.keys.filter { !taken.contains($0) }.sorted()
        guard unused.isEmpty else {
            throw .unusedTensors(keys: Array(unused.prefix(5)), count: unused.count, directory: directory)
        }
    }

    private func find(_ key: String, _ shape: [Int]) throws(CheckpointError) -> Stored {
        guard let stored = tensors[key] else {
            throw .missingTensor(key: key, expected: shape, directory: directory)
        }
        guard stored.entry.shape == shape else {
            throw .wrongShape(
                key: key, expected: shape, found: stored.entry.shape, path: stored.file.path)
        }
        taken.insert(key)
        return stored
    }

    private func widen(
        _ stored: Stored, into target: UnsafeMutablePointer<Float>, count: Int
    ) throws(CheckpointError) {
        let bytes = stored.bytes
        switch stored.entry.type {
        case .float32:
            UnsafeMutableRawBufferPointer(start: target, count: count * 4).copyMemory(from: bytes)
        case .bfloat16: withHalves(bytes, count) { kernel_widen_bf16($0, target, count) }
        case .float16: withHalves(bytes, count) { kernel_widen_f16($0, target, count) }
        case .int64, .int32, .uint8:
            throw .wrongType(
                key: stored.entry.key, expected: "F32, F16 or BF16", found: stored.entry.type.rawValue,
                path: stored.file.path)
        }
    }

    /// The format promises no alignment, so halves at an odd address are copied first.
    private func withHalves(
        _ bytes: UnsafeRawBufferPointer, _ count: Int, _ body: (UnsafePointer<UInt16>) -> Void
    ) {
        guard let base = bytes.baseAddress else { return }
        if UInt(bitPattern: base) % 2 == 0 {
            body(base.assumingMemoryBound(to: UInt16.self))
        } else {
            let copy = UnsafeMutablePointer<UInt16>.allocate(capacity: count)
            defer { copy.deallocate() }
            UnsafeMutableRawBufferPointer(start: copy, count: count * 2).copyMemory(from: bytes)
            body(copy)
        }
    }
}

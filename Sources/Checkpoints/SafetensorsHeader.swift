/// Number formats of stored tensors that we read.
public enum StoredType: String, Sendable {
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case uint8 = "U8"

    public var bytes: Int {
        switch self {
        case .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16: 2
        case .uint8: 1
        }
    }
}

/// One entry of a safetensors header.
public struct TensorEntry: Sendable, Equatable {
    public var key: String
    public var type: StoredType
    public var shape: [Int]
    /// Byte range inside the data that follows the header.
    public var range: Range<Int>

    package init(key: String, type: StoredType, shape: [Int], range: Range<Int>) {
        self.key = key
        self.type = type
        self.shape = shape
        self.range = range
    }
}

/// The JSON object in front of a safetensors file, read strictly: the file comes from strangers.
///
/// Format: huggingface/safetensors README: u64 little-endian header length, JSON, then the data. Refused:
/// duplicate keys, unknown types, negative or overflowing sizes, ranges that overlap, leave holes or don't
/// match shape times element size, and bytes after the last tensor.
public enum SafetensorsHeader {
    public static let maximumBytes = 100_000_000

    /// `file` is the whole file; `path` is for messages. Returns entries in file order and where data begins.
    public static func parse(
        _ file: UnsafeRawBufferPointer, path: String
    ) throws(CheckpointError) -> (entries: [TensorEntry], dataStart: Int) {
        guard file.count >= 8 else {
            throw .malformedFile(path: path, reason: "shorter than the 8 bytes of a safetensors length")
        }
        let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(file[$1]) << (8 * UInt64($1)) }
        guard length <= UInt64(maximumBytes) else {
            let pickle = file[0] == 0x80 || (file[0] == 0x50 && file[1] == 0x4B)
            if pickle { throw .pickleRefused(path: path) }
            throw .malformedFile(
                path: path, reason: "header length \(length) is over the limit of \(maximumBytes) bytes")
        }
        guard Int(length) <= file.count - 8 else {
            throw .malformedFile(
                path: path,
                reason:
                    "header length \(length) is beyond the file's \(file.count) bytes (truncated download?)")
        }
        var scanner = HeaderScanner(
            bytes: UnsafeRawBufferPointer(rebasing: file[8..<8 + Int(length)]), path: path)
        let entries = try scanner.entries()
        try check(entries, dataBytes: file.count - 8 - Int(length), path: path)
        return (entries, 8 + Int(length))
    }

    private static func check(
        _ entries: [TensorEntry], dataBytes: Int, path: String
    ) throws(CheckpointError) {
        var end = 0
        for entry in entries.sorted(by: {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }) {
            var size = entry.type.bytes
            for dimension in entry.shape {
                let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
                guard !overflow else {
                    throw .malformedTensor(
                        path: path, key: entry.key, reason: "shape \(entry.shape) overflows")
                }
                size = product
            }
            guard entry.range.count == size else {
                throw .malformedTensor(
                    path: path, key: entry.key,
                    reason: "shape \(entry.shape) of \(entry.type.rawValue) needs \(size) bytes, "
                        + "data_offsets give \(entry.range.count)")
            }
            guard entry.range.lowerBound >= end else {
                throw .malformedTensor(
                    path: path, key: entry.key, reason: "its bytes overlap another tensor's")
            }
            guard entry.range.lowerBound == end else {
                throw .malformedTensor(
                    path: path, key: entry.key,
                    reason: "\(entry.range.lowerBound - end) bytes before it belong to no tensor")
            }
            end = entry.range.upperBound
            guard end <= dataBytes else {
                throw .malformedTensor(
                    path: path, key: entry.key,
                    reason: "its data ends at byte \(end), the file holds \(dataBytes) (truncated download?)")
            }
        }
        guard end == dataBytes else {
            throw .malformedFile(path: path, reason: "\(dataBytes - end) bytes after the last tensor")
        }
    }
}

/// What is wrong with a checkpoint, as facts; `description` is one line for a person.
public enum CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
    case notAFolder(path: String)
    case unreadable(path: String, reason: String)
    case noWeights(directory: String)
    /// Only a pickle is there, which can run code when it is read.
    case pickleRefused(path: String)
    case malformedFile(path: String, reason: String)
    case malformedTensor(path: String, key: String, reason: String)
    case configuration(path: String, reason: String)
    case missingTensor(key: String, expected: [Int], directory: String)
    case wrongShape(key: String, expected: [Int], found: [Int], path: String)
    case wrongType(key: String, expected: String, found: String, path: String)
    case unusedTensors(keys: [String], count: Int, directory: String)

    public var description: String {
        switch self {
        case .notAFolder(let path): "\(path): no such folder"
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .noWeights(let directory):
            "\(directory): neither model.safetensors nor model.safetensors.index.json is there"
        case .pickleRefused(let path):
            "\(path): pickle files are not read, because loading one can run any code; convert it once with: "
                + "python3 Training/convert_pickle.py \(path)"
        case .malformedFile(let path, let reason): "\(path): \(reason)"
        case .malformedTensor(let path, let key, let reason): "\(path): tensor \(key): \(reason)"
        case .configuration(let path, let reason): "\(path): \(reason)"
        case .missingTensor(let key, let expected, let directory):
            "\(directory): tensor \(key) is missing (expected shape \(expected))"
        case .wrongShape(let key, let expected, let found, let path):
            "\(path): tensor \(key): expected shape \(expected), found \(found)"
        case .wrongType(let key, let expected, let found, let path):
            "\(path): tensor \(key): expected \(expected), found \(found)"
        case .unusedTensors(let keys, let count, let directory):
            "\(directory): \(count) unused tensor(s), which this architecture has no place for: "
                + keys.joined(separator: ", ") + (count > keys.count ? ", ..." : "")
        }
    }
}

import Tensors

/// How a model runs; none of it changes an answer.
public struct ModelOptions: Sendable {
    /// Threads for inference; by default what affinity and the control group grant.
    public var threads = Processor.usableThreads
    /// Bytes of picture prefixes kept for further phrases.
    public var imageCacheBytes = 256 << 20
    public var weights: WeightPlacement = .automatic

    public init() {}
}

/// Where bfloat16 weights live while the model serves.
public enum WeightPlacement: String, Sendable, CaseIterable {
    /// `float32` up to 512 MiB of stored weights, else `bfloat16`.
    case automatic
    /// Widened once, at load: twice the file's size in memory.
    case float32
    /// Arranged as they are and widened in registers; the embedding table stays in the mapped file.
    case bfloat16

    func isMapped(storedBytes: Int) -> Bool {
        switch self {
        case .automatic: storedBytes > 512 << 20
        case .float32: false
        case .bfloat16: true
        }
    }
}

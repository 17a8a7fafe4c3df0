/// What a backend's cache of picture computations holds and has dropped.
public struct ImageCacheStatistics: Sendable, Equatable {
    /// Bytes held now.
    public var bytes = 0
    /// Pictures dropped since the start to make room.
    public var evictions = 0

    public init(bytes: Int = 0, evictions: Int = 0) {
        self.bytes = bytes
        self.evictions = evictions
    }
}

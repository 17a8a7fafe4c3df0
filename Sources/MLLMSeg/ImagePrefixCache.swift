import Collections
import Segmentation
import Synchronization

/// Keeps what recent pictures cost, so that a further phrase pays only for itself. Least recently used go
/// first; bounded in bytes. The statistics may be read from any thread, the rest from the inference thread.
public final class ImagePrefixCache: Sendable {
    /// A `ModelInput`'s digest.
    typealias Key = [UInt8]

    private struct State {
        var entries: OrderedDictionary<Key, ImagePrefix> = [:]
        var statistics = ImageCacheStatistics()
    }

    public let capacity: Int
    private let state = Mutex(State())

    /// `capacity` in bytes; 0 keeps nothing.
    public init(capacity: Int) {
        self.capacity = capacity
    }

    public var statistics: ImageCacheStatistics { state.withLock { $0.statistics } }

    /// Whether it is there now; doesn't count as a use.
    func holds(_ key: Key) -> Bool {
        state.withLock { $0.entries[key] != nil }
    }

    func find(_ key: Key) -> ImagePrefix? {
        state.withLock { state in
            guard let prefix = state.entries.removeValue(forKey: key) else { return nil }
            // The newest stand at the end.
            state.entries[key] = prefix
            return prefix
        }
    }

    func insert(_ prefix: ImagePrefix, for key: Key) {
        guard prefix.bytes <= capacity else { return }
        state.withLock { state in
            if let old = state.entries.removeValue(forKey: key) { state.statistics.bytes -= old.bytes }
            state.entries[key] = prefix
            state.statistics.bytes += prefix.bytes
            while state.statistics.bytes > capacity {
                state.statistics.bytes -= state.entries.removeFirst().value.bytes
                state.statistics.evictions += 1
            }
        }
    }
}

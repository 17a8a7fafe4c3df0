/// A binary min-heap of (rank, index): lowest rank first, leftmost among equals.
struct MergeQueue {
    private var heap: [UInt64] = []

    /// Empty, with room for so many entries at once.
    init(capacity: Int = 0) {
        heap.reserveCapacity(capacity)
    }

    mutating func push(rank: UInt32, index: Int) {
        heap.append(UInt64(rank) << 32 | UInt64(index))
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popFirst() -> (rank: UInt32, index: Int)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while 2 * parent + 1 < heap.count {
                var child = 2 * parent + 1
                if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
                guard heap[child] < heap[parent] else { break }
                heap.swapAt(child, parent)
                parent = child
            }
        }
        return (UInt32(first >> 32), Int(first & 0xFFFF_FFFF))
    }
}

/// Byte-pair merges by rank: which two neighbouring tokens become which third, lowest rank first
/// (Sennrich et al. 2016, arXiv:1508.07909).
struct MergeTable: Sendable {
    private var merges: [UInt64: (rank: UInt32, merged: Int32)] = [:]

    init(capacity: Int) {
        merges.reserveCapacity(capacity)
    }

    /// A pair that is named again takes its later rank, as Python's `dict` and Rust's `HashMap` do.
    mutating func add(left: Int, right: Int, merged: Int, rank: Int) {
        merges[UInt64(left) << 32 | UInt64(right)] = (UInt32(rank), Int32(merged))
    }

    func merge(_ left: Int32, _ right: Int32) -> (rank: UInt32, merged: Int32)? {
        merges[UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))]
    }

    /// Merges `symbols` until no pair has a merge and appends the ids that remain to `output`.
    /// A linked list and a heap: O(n log n), so that a long run without spaces stays cheap.
    func apply(to symbols: [Int32], into output: inout [Int32]) {
        guard symbols.count > 1 else { return output.append(contentsOf: symbols) }
        var list = SymbolList(symbols)
        var queue = MergeQueue()
        for index in 0..<symbols.count - 1 {
            if let found = merge(symbols[index], symbols[index + 1]) {
                queue.push(rank: found.rank, index: index)
            }
        }
        while let (rank, index) = queue.popFirst() {
            guard list.isAlive(index), let right = list.next(index),
                let found = merge(list.symbols[index], list.symbols[right]), found.rank == rank
            else { continue }  // one of the two has been merged since
            list.merge(index, with: right, to: found.merged)
            if let previous = list.previous(index),
                let pair = merge(list.symbols[previous], found.merged)
            {
                queue.push(rank: pair.rank, index: previous)
            }
            if let next = list.next(index), let pair = merge(found.merged, list.symbols[next]) {
                queue.push(rank: pair.rank, index: index)
            }
        }
        var index: Int? = 0
        while let current = index {
            output.append(list.symbols[current])
            index = list.next(current)
        }
    }
}

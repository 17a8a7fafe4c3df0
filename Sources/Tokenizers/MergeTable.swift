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

    /// Memory for merging one word, kept for the next one; a usual word fits at once.
    struct Scratch {
        var list = SymbolList(capacity: 32)
        var queue = MergeQueue(capacity: 32)
    }

    /// Merges the symbols of the scratch's list until no pair has a merge and appends the ids that remain to `output`.
    /// A linked list and a heap: O(n log n), so that a long run without spaces stays cheap.
    func apply(to scratch: inout Scratch, into output: inout [Int32]) {
        let count = scratch.list.symbols.count
        guard count > 1 else { return output.append(contentsOf: scratch.list.symbols) }
        for index in 0..<count - 1 {
            if let found = merge(scratch.list.symbols[index], scratch.list.symbols[index + 1]) {
                scratch.queue.push(rank: found.rank, index: index)
            }
        }
        while let (rank, index) = scratch.queue.popFirst() {
            guard scratch.list.isAlive(index), let right = scratch.list.next(index),
                let found = merge(scratch.list.symbols[index], scratch.list.symbols[right]),
                found.rank == rank
            else { continue }  // one of the two has been merged since
            scratch.list.merge(index, with: right, to: found.merged)
            if let previous = scratch.list.previous(index),
                let pair = merge(scratch.list.symbols[previous], found.merged)
            {
                scratch.queue.push(rank: pair.rank, index: previous)
            }
            if let next = scratch.list.next(index),
                let pair = merge(found.merged, scratch.list.symbols[next])
            {
                scratch.queue.push(rank: pair.rank, index: index)
            }
        }
        var index: Int? = 0
        while let current = index {
            output.append(scratch.list.symbols[current])
            index = scratch.list.next(current)
        }
    }
}

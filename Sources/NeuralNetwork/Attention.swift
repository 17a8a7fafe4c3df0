import CKernels
import Tensors

/// softmax(q k^T * scale) v for each head, over keys that lie in one or more matrices.
///
/// Heads are ranges of columns, so a fused projection is used where it lies. Each block of 32 queries is computed
/// transposed, `[keys, queries]`: the scores of the first product are then arranged for the second, and the
/// softmax runs down columns, a query in each lane.
public struct Attention: Sendable {
    /// Heads of queries that share one head of keys and values, as first columns in their matrices.
    public struct Group: Sendable {
        public var queries: [Int]
        public var keyValue: Int

        public init(queries: [Int], keyValue: Int) {
            self.queries = queries
            self.keyValue = keyValue
        }
    }

    /// One stretch of keys and values, `[rows, *]` each.
    public struct KeyValues: Sendable {
        public var keys: Matrix
        public var values: Matrix

        public init(keys: Matrix, values: Matrix) {
            self.keys = keys
            self.values = values
        }
    }

    public let groups: [Group]
    public let headSize: Int
    public let headCount: Int
    public let scale: Float

    /// `headCount` heads of queries side by side, in order; each run of `headCount / keyValueHeads` of them shares
    /// a head of keys and values.
    public init(headCount: Int, keyValueHeads: Int? = nil, headSize: Int) {
        let size = headCount / (keyValueHeads ?? headCount)
        groups = (0..<headCount / size).map { group in
            Group(
                queries: (group * size..<(group + 1) * size).map { $0 * headSize },
                keyValue: group * headSize)
        }
        self.headCount = headCount
        self.headSize = headSize
        scale = 1 / Float(headSize).squareRoot()
    }

    /// Runs of queries, each against its own keys, for one call. Emptied and filled again it takes no new memory.
    public struct Batch {
        fileprivate struct Job {
            var queries: Matrix
            /// Its place in `context`.
            var stretches: Range<Int>
            var keys: Int
            var firstVisible: Int?
            var out: Matrix
        }

        fileprivate var jobs: [Job] = []
        fileprivate var context: [KeyValues] = []

        public init() {}

        public mutating func removeAll() {
            jobs.removeAll(keepingCapacity: true)
            context.removeAll(keepingCapacity: true)
        }

        /// One more stretch of keys for the run that is added next, oldest first.
        public mutating func addContext(_ stretch: KeyValues) { context.append(stretch) }

        /// One more run; its keys are the context added since the last one and then `own`. When `firstVisible` is
        /// given, query row r sees the first `firstVisible + r` keys only (causal); otherwise it sees all of them.
        /// `out` has the queries' columns.
        public mutating func add(
            queries: Matrix, own: KeyValues, firstVisible: Int? = nil, out: Matrix
        ) {
            let first = jobs.last?.stretches.upperBound ?? 0
            context.append(own)
            var keys = 0
            for stretch in context[first...] { keys += stretch.keys.rows }
            jobs.append(
                Job(
                    queries: queries, stretches: first..<context.count, keys: keys,
                    firstVisible: firstVisible, out: out))
        }
    }

    private static let lanes = 32

    /// Runs every group of heads of every run over the team.
    public func apply(_ batch: Batch, in context: ComputeContext) {
        let jobs = batch.jobs
        guard !jobs.isEmpty else { return }
        let most = jobs.reduce(0) { max($0, $1.keys) }
        let memory = Memory(keys: most, headSize: headSize, level: context.level)
        context.reserveScratch(memory.count)
        // Few groups are cut by their queries too, at the price of arranging their keys more than once.
        let cuts = max(
            1, (context.team.threads + groups.count * jobs.count - 1) / (groups.count * jobs.count))
        context.team.forEach(jobs.count * groups.count * cuts) { item, worker in
            let job = jobs[item / cuts / groups.count]
            let rows = job.queries.rows
            let (first, last) = (rows * (item % cuts) / cuts, rows * (item % cuts + 1) / cuts)
            guard first < last else { return }
            attend(
                job, batch.context[job.stretches], groups[item / cuts % groups.count], first..<last, memory,
                context.scratch(worker), level: context.level)
        }
    }

    private func attend(
        _ job: Batch.Job, _ context: ArraySlice<KeyValues>, _ group: Group, _ rows: Range<Int>,
        _ memory: Memory, _ base: UnsafeMutablePointer<Float>, level: Int32
    ) {
        let total = job.keys
        arrange(context, total, group, memory, base, level: level)
        for head in group.queries {
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.lanes) {
                let count = min(Self.lanes, rows.upperBound - first)
                let visible = job.firstVisible.map { min(total, $0 + first) } ?? total
                let queries = job.queries.rows(first..<first + count).columns(head..<head + headSize)
                let out = job.out.rows(first..<first + count).columns(head..<head + headSize)
                // Keys that no row of this block may see are left out of the products.
                attend(
                    queries, into: out, keys: min(total, visible + count - 1), of: total, visible: visible,
                    memory, base, level: level)
            }
        }
    }

    /// One head's block of up to 32 queries `[count, headSize]`.
    private func attend(
        _ queries: Matrix, into out: Matrix, keys: Int, of total: Int, visible: Int, _ memory: Memory,
        _ base: UnsafeMutablePointer<Float>, level: Int32
    ) {
        withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: Self.lanes) { rows in
            for lane in 0..<Self.lanes {
                rows[lane] = lane < queries.rows ? UnsafePointer(queries.row(lane)) : nil
            }
            kernel_arrange_panel_f32(rows.baseAddress, headSize, base + memory.queries)
        }
        let tiles = kernel_tiles(level, total)
        // The tile that holds the last key is the last: tile t starts at row total * t / tiles.
        let lastTile = min(tiles, (keys * tiles + total - 1) / total)
        kernel_product_f32(
            level, base + memory.keys, total, headSize, base + memory.queries, Self.lanes,
            kernel_block(first_tile: 0, last_tile: lastTile, first_panel: 0, last_panel: 1, inputs: headSize),
            base + memory.scores, Self.lanes)
        kernel_softmax_columns(base + memory.scores, keys, scale, visible, base + memory.sums)
        kernel_product_f32(
            level, base + memory.values, headSize, total, base + memory.scores, Self.lanes,
            kernel_block(
                first_tile: 0, last_tile: kernel_tiles(level, headSize), first_panel: 0, last_panel: 1,
                inputs: keys),
            base + memory.out, Self.lanes)
        kernel_store_columns(
            base + memory.out, headSize, base + memory.sums, queries.rows, out.pointer, out.stride)
    }

    /// Arranges one head's keys and values, gathered first where they lie in more than one matrix.
    private func arrange(
        _ context: ArraySlice<KeyValues>, _ total: Int, _ group: Group, _ memory: Memory,
        _ base: UnsafeMutablePointer<Float>, level: Int32
    ) {
        let columns = group.keyValue..<group.keyValue + headSize
        func whole(_ part: (KeyValues) -> Matrix) -> (pointer: UnsafeMutablePointer<Float>, stride: Int) {
            if context.count == 1, let stretch = context.first {
                let only = part(stretch)
                return (only.pointer + columns.lowerBound, only.stride)
            }
            var target = base + memory.gathered
            for keyValues in context {
                let source = part(keyValues)
                for row in 0..<source.rows {
                    target.update(from: source.row(row) + columns.lowerBound, count: headSize)
                    target += headSize
                }
            }
            return (base + memory.gathered, headSize)
        }
        let keys = whole(\.keys)
        kernel_arrange_rows(
            level, keys.pointer, keys.stride, total, headSize, 0, kernel_tiles(level, total),
            base + memory.keys)
        let values = whole(\.values)
        kernel_arrange_columns(level, values.pointer, values.stride, headSize, total, base + memory.values)
    }

    /// Where a worker's scratch holds what, in floats from its start.
    private struct Memory {
        let gathered = 0
        let keys: Int
        let values: Int
        let queries: Int
        let scores: Int
        let out: Int
        let sums: Int
        let count: Int

        init(keys rows: Int, headSize: Int, level: Int32) {
            func end(_ start: Int, _ count: Int) -> Int { start + (count + 15) & ~15 }
            keys = end(0, rows * headSize)
            values = end(keys, kernel_arranged_rows(level, rows, headSize))
            queries = end(values, kernel_arranged_rows(level, headSize, rows))
            scores = end(queries, Attention.lanes * headSize)
            // A last tile may reach beyond the keys that a block sees, never beyond all of them.
            out = end(scores, Attention.lanes * rows)
            sums = end(out, Attention.lanes * headSize)
            count = sums + Attention.lanes
        }
    }
}

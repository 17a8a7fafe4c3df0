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

    /// Runs of queries, each against its own keys, for one call. Its memory is a workspace's, and whoever fills it
    /// keeps the matrices alive until the call has returned.
    public struct Batch {
        fileprivate struct Stretch: BitwiseCopyable {
            var keys: Strip
            var values: Strip
        }

        fileprivate struct Job: BitwiseCopyable {
            var queries: Strip
            /// Its place among the stretches.
            var firstStretch: Int
            var endStretch: Int
            var keys: Int
            var firstVisible: Int?
            var out: Strip
        }

        private let jobs: UnsafeMutableBufferPointer<Job>
        private let stretches: UnsafeMutableBufferPointer<Stretch>
        private var jobCount = 0
        private var stretchCount = 0

        /// Room for `runs` runs with `stretches` stretches of keys together, until the workspace's scope ends.
        public init(runs: Int, stretches: Int, in workspace: Workspace) {
            jobs = UnsafeMutableBufferPointer(start: workspace.memory(of: Job.self, runs), count: runs)
            self.stretches = UnsafeMutableBufferPointer(
                start: workspace.memory(of: Stretch.self, stretches), count: stretches)
        }

        public mutating func removeAll() {
            jobCount = 0
            stretchCount = 0
        }

        /// One more stretch of keys for the run that is added next, oldest first.
        public mutating func addContext(_ stretch: KeyValues) {
            precondition(
                stretchCount < stretches.count, "there is room for the stretches that were announced")
            stretches[stretchCount] = Stretch(keys: Strip(stretch.keys), values: Strip(stretch.values))
            stretchCount += 1
        }

        /// One more run; its keys are the context added since the last one and then `own`. When `firstVisible` is
        /// given, query row r sees the first `firstVisible + r` keys only (causal); otherwise it sees all of them.
        /// `out` has the queries' columns.
        public mutating func add(
            queries: Matrix, own: KeyValues, firstVisible: Int? = nil, out: Matrix
        ) {
            precondition(jobCount < jobs.count, "there is room for the runs that were announced")
            let first = jobCount == 0 ? 0 : jobs[jobCount - 1].endStretch
            addContext(own)
            var keys = 0
            for stretch in first..<stretchCount { keys += stretches[stretch].keys.rows }
            jobs[jobCount] = Job(
                queries: Strip(queries), firstStretch: first, endStretch: stretchCount, keys: keys,
                firstVisible: firstVisible, out: Strip(out))
            jobCount += 1
        }

        fileprivate var runs: UnsafeBufferPointer<Job> { UnsafeBufferPointer(rebasing: jobs[..<jobCount]) }
        fileprivate var keyValues: UnsafeBufferPointer<Stretch> {
            UnsafeBufferPointer(rebasing: stretches[..<stretchCount])
        }
    }

    /// A matrix whose memory somebody else keeps alive: copied without counting references.
    fileprivate struct Strip: BitwiseCopyable {
        let start: UnsafeMutablePointer<Float>
        let stride: Int
        let rows: Int

        init(_ matrix: Matrix) {
            start = matrix.pointer
            stride = matrix.stride
            rows = matrix.rows
        }

        func at(_ row: Int, _ column: Int) -> UnsafeMutablePointer<Float> { start + row * stride + column }
    }

    private static let lanes = 32

    /// Runs every group of heads of every run over the team.
    public func apply(_ batch: Batch, in context: ComputeContext) {
        apply(batch.runs, batch.keyValues, in: context)
    }

    /// One run, whose queries see all of `keyValues`. out `[rows, *]` has the queries' columns.
    public func apply(
        queries: Matrix, keyValues: KeyValues, into out: Matrix, in context: ComputeContext
    ) {
        context.workspace.scope {
            var batch = Batch(runs: 1, stretches: 1, in: context.workspace)
            batch.add(queries: queries, own: keyValues, out: out)
            apply(batch, in: context)
        }
        withExtendedLifetime((queries, keyValues, out)) {}
    }

    private func apply(
        _ jobs: UnsafeBufferPointer<Batch.Job>, _ stretches: UnsafeBufferPointer<Batch.Stretch>,
        in context: ComputeContext
    ) {
        guard !jobs.isEmpty else { return }
        let most = jobs.reduce(0) { max($0, $1.keys) }
        let memory = Memory(keys: most, headSize: headSize, level: context.level)
        context.reserveScratch(memory.count)
        // Few groups are cut by their queries too, at the price of arranging their keys more than once.
        let parts = groups.count * jobs.count
        let cuts = max(1, (context.team.threads + parts - 1) / parts)
        let heads = Heads(
            attention: self, jobs: jobs, stretches: stretches, cuts: cuts, memory: memory, context: context)
        context.team.run(parts * cuts, heads)
    }

    /// A group of heads of one run, or a cut of its queries, is an item.
    private struct Heads: ParallelLoop {
        let attention: Attention
        let jobs: UnsafeBufferPointer<Batch.Job>
        let stretches: UnsafeBufferPointer<Batch.Stretch>
        let cuts: Int
        let memory: Memory
        let context: ComputeContext

        func run(_ item: Int, as worker: Int) {
            let groups = attention.groups
            let job = jobs[item / cuts / groups.count]
            let rows = job.queries.rows
            let (first, last) = (rows * (item % cuts) / cuts, rows * (item % cuts + 1) / cuts)
            guard first < last else { return }
            attention.attend(
                job, stretches[job.firstStretch..<job.endStretch], groups[item / cuts % groups.count],
                first..<last, memory,
                context.scratch(worker), level: context.level)
        }
    }

    private func attend(
        _ job: Batch.Job, _ stretches: Slice<UnsafeBufferPointer<Batch.Stretch>>, _ group: Group,
        _ rows: Range<Int>, _ memory: Memory, _ base: UnsafeMutablePointer<Float>, level: Int32
    ) {
        let total = job.keys
        arrange(stretches, total, group, memory, base, level: level)
        for head in group.queries {
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.lanes) {
                let count = min(Self.lanes, rows.upperBound - first)
                let visible = job.firstVisible.map { min(total, $0 + first) } ?? total
                // Keys that no row of this block may see are left out of the products.
                attend(
                    job, first..<first + count, head: head, keys: min(total, visible + count - 1),
                    visible: visible, memory, base, level: level)
            }
        }
    }

    /// One head's block of up to 32 queries `[count, headSize]`.
    private func attend(
        _ job: Batch.Job, _ rows: Range<Int>, head: Int, keys: Int, visible: Int, _ memory: Memory,
        _ base: UnsafeMutablePointer<Float>, level: Int32
    ) {
        let (total, first) = (job.keys, rows.lowerBound)
        withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: Self.lanes) { queries in
            for lane in 0..<Self.lanes {
                queries[lane] = lane < rows.count ? UnsafePointer(job.queries.at(first + lane, head)) : nil
            }
            kernel_arrange_panel_f32(queries.baseAddress, headSize, base + memory.queries)
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
            base + memory.out, headSize, base + memory.sums, rows.count, job.out.at(first, head),
            job.out.stride)
    }

    /// Arranges one head's keys and values, gathered first where they lie in more than one matrix.
    private func arrange(
        _ stretches: Slice<UnsafeBufferPointer<Batch.Stretch>>, _ total: Int, _ group: Group,
        _ memory: Memory, _ base: UnsafeMutablePointer<Float>, level: Int32
    ) {
        func whole(_ part: (Batch.Stretch) -> Strip) -> (pointer: UnsafeMutablePointer<Float>, stride: Int) {
            if stretches.count == 1, let stretch = stretches.first {
                return (part(stretch).at(0, group.keyValue), part(stretch).stride)
            }
            var target = base + memory.gathered
            for stretch in stretches {
                let source = part(stretch)
                for row in 0..<source.rows {
                    target.update(from: source.at(row, group.keyValue), count: headSize)
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

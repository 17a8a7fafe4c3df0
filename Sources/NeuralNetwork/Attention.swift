import CKernels
import Tensors

/// softmax(q k^T * scale) v for each head, over keys that lie in one or more matrices.
///
/// Heads are ranges of columns, so a fused projection is used where it lies; queries are taken in blocks
/// whose scores stay in the cache.
public struct Attention: Sendable {
    /// Where one head's vectors stand in the rows of queries, keys, values and output.
    public struct Head: Sendable {
        public var query: Int
        public var key: Int
        public var value: Int
        public var output: Int

        public init(query: Int, key: Int, value: Int, output: Int) {
            self.query = query
            self.key = key
            self.value = value
            self.output = output
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

    public let heads: [Head]
    public let headSize: Int
    public let scale: Float

    public init(heads: [Head], headSize: Int) {
        self.heads = heads
        self.headSize = headSize
        scale = 1 / Float(headSize).squareRoot()
    }

    /// As many query heads as key heads, each in columns of its own, side by side from column 0.
    public init(headCount: Int, headSize: Int, queryStart: Int = 0, keyStart: Int = 0, valueStart: Int = 0) {
        self.init(
            heads: (0..<headCount).map {
                Head(
                    query: queryStart + $0 * headSize, key: keyStart + $0 * headSize,
                    value: valueStart + $0 * headSize, output: $0 * headSize)
            }, headSize: headSize)
    }

    private static let blockRows = 128

    /// One run of queries against its keys. When `firstVisible` is given, query row r sees the first
    /// `firstVisible + r` keys only (causal); otherwise it sees all of them.
    public struct Job {
        public var queries: Matrix
        public var context: [KeyValues]
        public var firstVisible: Int?
        public var out: Matrix

        public init(queries: Matrix, context: [KeyValues], firstVisible: Int? = nil, out: Matrix) {
            self.queries = queries
            self.context = context
            self.firstVisible = firstVisible
            self.out = out
        }
    }

    /// Runs every head and block of every job over the team.
    public func apply(_ jobs: [Job], in context: ComputeContext) {
        let most = jobs.map { $0.context.reduce(0) { $0 + $1.keys.rows } }.max() ?? 0
        context.reserveScratch(Self.blockRows * most)
        var items: [(job: Int, head: Int, rows: Range<Int>)] = []
        for (index, job) in jobs.enumerated() {
            for head in heads.indices {
                for start in stride(from: 0, to: job.queries.rows, by: Self.blockRows) {
                    items.append((index, head, start..<min(start + Self.blockRows, job.queries.rows)))
                }
            }
        }
        context.team.forEach(items.count) { item, worker in
            let (job, head, rows) = items[item]
            self.attend(jobs[job], heads[head], rows) { columns in
                context.scratchMatrix(worker, rows: rows.count, columns: columns)
            }
        }
    }

    private func attend(
        _ job: Job, _ head: Head, _ rows: Range<Int>, scratch: (_ columns: Int) -> Matrix
    ) {
        let total = job.context.reduce(0) { $0 + $1.keys.rows }
        // Keys that no row of this block may see are left out of the products.
        let visible = job.firstVisible.map { min(total, $0 + rows.upperBound - 1) } ?? total
        let queries = job.queries.rows(rows).columns(head.query..<head.query + headSize)
        let scores = scratch(visible)
        var start = 0
        for part in job.context where start < visible {
            let count = min(part.keys.rows, visible - start)
            let keys = part.keys.rows(0..<count).columns(head.key..<head.key + headSize)
            BLAS.multiply(
                queries, keys, transposed: true, scale: scale, into: scores.columns(start..<start + count))
            start += count
        }
        kernel_softmax(
            scores.pointer, scores.stride, scores.rows, visible,
            job.firstVisible.map { $0 + rows.lowerBound } ?? visible)
        let out = job.out.rows(rows).columns(head.output..<head.output + headSize)
        start = 0
        for part in job.context where start < visible {
            let count = min(part.values.rows, visible - start)
            let values = part.values.rows(0..<count).columns(head.value..<head.value + headSize)
            BLAS.multiply(
                scores.columns(start..<start + count), values, transposed: false, keep: start == 0 ? 0 : 1,
                into: out)
            start += count
        }
    }
}

import CKernels

/// What a layer needs to run: threads and scratch memory. Owned by the one thread that runs the model.
public final class ComputeContext: @unchecked Sendable {
    public let team: ThreadTeam
    public let workspace = Workspace()
    private var scratch: [Matrix]
    /// Sees each stage's result by name while a forward pass runs: how tests compare with reference numbers.
    public var observer: ((_ stage: String, _ result: Matrix) -> Void)?

    public init(threads: Int) throws(BLASError) {
        try BLAS.open()
        team = ThreadTeam(threads: threads)
        scratch = Array(repeating: Matrix(rows: 0, columns: 0), count: threads)
    }

    /// Most rows that the kernels for few rows are worth using for.
    public static let fewRows = 256
    private var rowsAreIndependent = false

    /// While `body` runs, products of at most `fewRows` rows give each row the same result to the last bit
    /// whatever other rows are there, so that requests can share a product. BLAS chooses its kernels by shape
    /// and does not promise that.
    public func withIndependentRows<Result>(_ body: () throws -> Result) rethrows -> Result {
        let saved = rowsAreIndependent
        rowsAreIndependent = true
        defer { rowsAreIndependent = saved }
        return try body()
    }

    /// `out [m, outputs] = x [m, inputs] x weights^T`, split over the team by output columns. `finish`
    /// is called for each range of finished columns while they are still in the cache.
    public func multiply(
        _ x: Matrix, by weights: WeightMatrix, into out: Matrix,
        finish: ((_ columns: Range<Int>) -> Void)? = nil
    ) {
        precondition(
            x.columns == weights.inputs && out.columns == weights.outputs && out.rows == x.rows,
            "shapes must chain")
        let outputs = weights.outputs
        let work = x.rows * outputs * weights.inputs
        // Below about 50 microseconds of arithmetic a second thread costs more than it brings.
        let parts = work < 4 << 20 ? 1 : max(1, min(team.threads, outputs / 32))
        let isFew =
            x.rows <= Self.fewRows && (rowsAreIndependent || weights.prefersFewRowKernel(rows: x.rows))
        let panel = weights.panelRows(limit: (outputs + parts - 1) / parts)
        if weights.isMapped && !isFew { reserveScratch(panel * weights.inputs) }
        team.forEach(parts) { part, worker in
            // Multiples of 16 keep every part on whole vectors.
            let first = outputs * part / parts & ~15
            let last = part + 1 == parts ? outputs : outputs * (part + 1) / parts & ~15
            if isFew {
                weights.multiplyFewRows(x, outputs: first..<last, into: out)
                finish?(first..<last)
                return
            }
            for start in stride(from: first, to: last, by: panel) {
                let range = start..<min(start + panel, last)
                let rows = weights.rows(
                    range, scratch: self.scratchMatrix(worker, rows: range.count, columns: weights.inputs))
                BLAS.multiply(x, rows, transposed: true, into: out.columns(range))
                finish?(range)
            }
        }
    }

    public func observe(_ stage: @autoclosure () -> String, _ result: Matrix) {
        observer?(stage(), result)
    }

    /// Makes each worker's scratch at least `count` elements. Call before a parallel loop that uses it.
    public func reserveScratch(_ count: Int) {
        for worker in scratch.indices where scratch[worker].columns < count {
            scratch[worker] = Matrix(rows: 1, columns: count)
        }
    }

    /// A worker's own scratch as `[rows, columns]`; empty when none was reserved.
    public func scratchMatrix(_ worker: Int, rows: Int, columns: Int) -> Matrix {
        let own = scratch[worker]
        guard own.columns >= rows * columns else {
            return Matrix(pointer: own.pointer, rows: 0, columns: columns, stride: columns, owner: own.owner)
        }
        return Matrix(
            pointer: own.pointer, rows: rows, columns: columns, stride: columns, owner: own.owner)
    }
}

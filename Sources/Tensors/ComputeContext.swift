import CKernels

/// What a layer needs to run: threads and scratch memory. Owned by the one thread that runs the model.
public final class ComputeContext: @unchecked Sendable {
    public let team: ThreadTeam
    public let workspace = Workspace()
    /// The vector level whose kernels run, as `kernel_processor_level` counts.
    public let level: Int32
    private var scratch: [Matrix]
    /// Sees each stage's result by name while a forward pass runs: how tests compare with reference numbers.
    public var observer: ((_ stage: String, _ result: Matrix) -> Void)?
    /// Asked between layers: whether nobody waits for the result any more.
    public var isAbandoned: (() -> Bool)?
    /// Multiply-adds of the products so far: how tests see that nothing is computed in vain.
    public private(set) var multiplyAdds = 0

    /// `level` is for tests and measurements: no more than what this processor has.
    public init(threads: Int, level: Int32 = kernel_processor_level()) {
        precondition(level <= kernel_processor_level(), "this processor lacks the instructions")
        team = ThreadTeam(threads: threads)
        self.level = level
        scratch = Array(repeating: Matrix(rows: 0, columns: 0), count: threads)
    }

    /// A part of a product that is finished and still in the cache.
    public struct Part {
        public var rows: Range<Int>
        public var columns: Range<Int>

        public func of(_ matrix: Matrix) -> Matrix { matrix.rows(rows).columns(columns) }
    }

    /// Rows as products read them. Ends with the workspace's scope.
    public struct ArrangedRows {
        let memory: Matrix
        let rows: Int
        let inputs: Int
    }

    /// Arranges x `[rows, inputs]` for one or more products.
    public func arrange(_ x: Matrix) -> ArrangedRows {
        let memory = workspace.matrix(1, kernel_arranged_rows(level, x.rows, x.columns))
        let tiles = kernel_tiles(level, x.rows)
        team.run(
            rows: tiles, minimum: max(1, Self.arrangedElements * tiles / max(1, x.rows * x.columns)),
            Arranging(x: x, memory: memory, level: level))
        return ArrangedRows(memory: memory, rows: x.rows, inputs: x.columns)
    }

    /// `out [m, outputs] = x [m, inputs] x weights^T`, over the team. Each row's result is the same to the last
    /// bit whatever other rows are there, so that requests can share a product. `finish` gets each part as soon as
    /// it is there, on any thread of the team.
    public func multiply(
        _ x: Matrix, by weights: ArrangedWeights, into out: Matrix, finish: some ProductFinish = NoFinish()
    ) {
        workspace.scope { multiply(arrange(x), by: weights, into: out, finish: finish) }
    }

    public func multiply(
        _ x: ArrangedRows, by weights: ArrangedWeights, into out: Matrix,
        finish: some ProductFinish = NoFinish()
    ) {
        precondition(
            x.inputs == weights.inputs && out.columns == weights.outputs && out.rows == x.rows,
            "shapes must chain")
        multiplyAdds += x.rows * x.inputs * weights.outputs
        let grid = ProductGrid(self, rows: x.rows, weights: weights)
        team.run(
            grid.count, Product(x: x, weights: weights, out: out, grid: grid, level: level, finish: finish))
    }

    /// Called between layers, so that work nobody waits for ends soon.
    public func checkWanted() throws(CancellationError) {
        if isAbandoned?() ?? false { throw CancellationError() }
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

    /// A worker's own scratch: what was reserved.
    public func scratch(_ worker: Int) -> UnsafeMutablePointer<Float> { scratch[worker].pointer }

    /// Elements whose arrangement is worth a thread: about 10 microseconds.
    private static let arrangedElements = 64 << 10
}

/// What happens to a part of a product while it is in the cache.
public protocol ProductFinish {
    func finish(_ part: ComputeContext.Part)
}

/// Leaves the product as it is.
public struct NoFinish: ProductFinish {
    public init() {}

    public func finish(_ part: ComputeContext.Part) {}
}

private struct Arranging: ParallelRows {
    let x: Matrix
    let memory: Matrix
    let level: Int32

    func run(_ tiles: Range<Int>) {
        kernel_arrange_rows(
            level, x.pointer, x.stride, x.rows, x.columns, tiles.lowerBound, tiles.upperBound, memory.pointer)
    }
}

private struct Product<Finish: ProductFinish>: ParallelLoop {
    let x: ComputeContext.ArrangedRows
    let weights: ArrangedWeights
    let out: Matrix
    let grid: ProductGrid
    let level: Int32
    let finish: Finish

    func run(_ item: Int, as worker: Int) {
        let block = grid.block(item)
        if weights.isBfloat16 {
            kernel_product_bf16(
                level, x.memory.pointer, x.rows, x.inputs, weights.words, weights.outputs, block, out.pointer,
                out.stride)
        } else {
            kernel_product_f32(
                level, x.memory.pointer, x.rows, x.inputs, weights.floats, weights.outputs, block,
                out.pointer,
                out.stride)
        }
        finish.finish(grid.part(block))
    }
}

/// How one product is cut for a team: blocks of rows that stay in the second-level cache by blocks of weights that
/// do so too.
private struct ProductGrid {
    /// So many rows use a block of weights that has come from memory before it leaves the cache again.
    private static let mostRows = 240
    private static let mostPanels = 8
    /// Below about 20 microseconds of arithmetic a second thread costs more than it brings.
    private static let worthSplitting = 2 << 20

    let rows: Int
    let inputs: Int
    let outputs: Int
    let tiles: Int
    let panels: Int
    let rowBlocks: Int
    let panelBlocks: Int

    init(_ context: ComputeContext, rows: Int, weights: ArrangedWeights) {
        self.rows = rows
        inputs = weights.inputs
        outputs = weights.outputs
        tiles = kernel_tiles(context.level, rows)
        panels = weights.panels
        rowBlocks = (rows + Self.mostRows - 1) / Self.mostRows
        let threads = rows * weights.inputs * weights.outputs < Self.worthSplitting ? 1 : context.team.threads
        let blocks = (panels + Self.mostPanels - 1) / Self.mostPanels
        // Whole rounds of the team, so that nobody waits for the last block.
        panelBlocks = min(panels, (blocks + threads - 1) / threads * threads)
    }

    var count: Int { rowBlocks * panelBlocks }

    /// Blocks of rows follow each other, so that weights are read from memory once.
    func block(_ item: Int) -> kernel_block {
        let (row, panel) = (item % rowBlocks, item / rowBlocks)
        return kernel_block(
            first_tile: tiles * row / rowBlocks, last_tile: tiles * (row + 1) / rowBlocks,
            first_panel: panels * panel / panelBlocks, last_panel: panels * (panel + 1) / panelBlocks,
            inputs: inputs)
    }

    func part(_ block: kernel_block) -> ComputeContext.Part {
        let width = ArrangedWeights.panelOutputs
        return ComputeContext.Part(
            rows: rows * block.first_tile / tiles..<rows * block.last_tile / tiles,
            columns: block.first_panel * width..<min(outputs, block.last_panel * width))
    }
}

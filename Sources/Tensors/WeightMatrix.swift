import CKernels

/// The weights of a linear layer, `[outputs, inputs]` as PyTorch stores them.
public struct WeightMatrix: Sendable {
    public enum Storage: Sendable {
        case float32(Matrix)
        /// Left in the mapped file; widened a panel at a time just before each product.
        case bfloat16(MappedHalves)
    }

    public let outputs: Int
    public let inputs: Int
    public let storage: Storage

    public init(_ matrix: Matrix) {
        outputs = matrix.rows
        inputs = matrix.columns
        precondition(matrix.stride == matrix.columns, "weights lie without gaps between rows")
        storage = .float32(matrix)
    }

    public init(mapped halves: MappedHalves, outputs: Int, inputs: Int) {
        precondition(halves.count == outputs * inputs, "mapped weights must be outputs x inputs")
        self.outputs = outputs
        self.inputs = inputs
        storage = .bfloat16(halves)
    }

    /// Outputs `range` alone, sharing the memory.
    public func outputs(_ range: Range<Int>) -> WeightMatrix {
        switch storage {
        case .float32(let matrix):
            return WeightMatrix(matrix.rows(range))
        case .bfloat16(let halves):
            precondition(range.lowerBound >= 0 && range.upperBound <= outputs, "outputs out of range")
            return WeightMatrix(
                mapped: MappedHalves(
                    pointer: halves.pointer + range.lowerBound * inputs, count: range.count * inputs,
                    owner: halves.owner), outputs: range.count, inputs: inputs)
        }
    }

    /// Copies one row, `[inputs]`, in float32: an embedding table's look-up.
    public func copyRow(_ index: Int, to target: UnsafeMutablePointer<Float>) {
        precondition(index >= 0 && index < outputs, "row out of range")
        switch storage {
        case .float32(let matrix): target.update(from: matrix.row(index), count: inputs)
        case .bfloat16(let halves): kernel_widen_bf16(halves.pointer + index * inputs, target, inputs)
        }
    }

    /// Rows `range` in float32: a view when they are already, else widened into `scratch`.
    func rows(_ range: Range<Int>, scratch: Matrix) -> Matrix {
        switch storage {
        case .float32(let matrix):
            return matrix.rows(range)
        case .bfloat16(let halves):
            let panel = scratch.rows(0..<range.count)
            kernel_widen_bf16(
                halves.pointer + range.lowerBound * inputs, panel.pointer, range.count * inputs)
            return panel
        }
    }

    /// Whether the kernels for few rows beat packing (and, for mapped weights, widening) first; measured in
    /// Sources/Benchmarks/LOG.md.
    func prefersFewRowKernel(rows: Int) -> Bool {
        switch storage {
        case .float32: rows <= 8
        case .bfloat16: true
        }
    }

    /// `out = x * weights^T` for outputs `range`, by the kernels for few rows.
    func multiplyFewRows(_ x: Matrix, outputs range: Range<Int>, into out: Matrix) {
        let part = out.columns(range)
        switch storage {
        case .float32(let matrix):
            kernel_product_f32(
                x.pointer, x.stride, x.rows, matrix.row(range.lowerBound), inputs, range.count, part.pointer,
                part.stride)
        case .bfloat16(let halves):
            kernel_product_bf16(
                x.pointer, x.stride, x.rows, halves.pointer + range.lowerBound * inputs, inputs, range.count,
                part.pointer, part.stride)
        }
    }

    /// Rows a product widens at a time: all of float32 weights, a cache-sized panel of mapped ones.
    func panelRows(limit: Int) -> Int {
        switch storage {
        case .float32: limit
        case .bfloat16: max(64, min(limit, Self.panelElements / max(inputs, 1)))
        }
    }

    var isMapped: Bool {
        if case .bfloat16 = storage { true } else { false }
    }

    /// 8 MiB of float32: large enough that packing the activations again for each panel costs little.
    static let panelElements = 2 << 20
}

/// bfloat16 numbers inside a mapped file, which `owner` keeps mapped.
public struct MappedHalves: @unchecked Sendable {
    public let pointer: UnsafePointer<UInt16>
    public let count: Int
    let owner: AnyObject

    public init(pointer: UnsafePointer<UInt16>, count: Int, owner: AnyObject) {
        self.pointer = pointer
        self.count = count
        self.owner = owner
    }
}

import CKernels
import Glibc

/// The weights of a linear layer, `[outputs, inputs]` as PyTorch stores them: what products are arranged from, and
/// embedding tables are read from.
public struct WeightMatrix: Sendable {
    public enum Storage: Sendable {
        case float32(Matrix)
        /// Left in the mapped file.
        case bfloat16(MappedHalves)
    }

    public let outputs: Int
    public let inputs: Int
    public let storage: Storage

    public init(_ matrix: Matrix) {
        outputs = matrix.rows
        inputs = matrix.columns
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

    var halves: MappedHalves? {
        if case .bfloat16(let halves) = storage { halves } else { nil }
    }

    /// These weights as float32 in memory, a copy where they are not.
    var widened: Matrix {
        switch storage {
        case .float32(let matrix): return matrix
        case .bfloat16(let halves):
            let matrix = Matrix(rows: outputs, columns: inputs)
            kernel_widen_bf16(halves.pointer, matrix.pointer, halves.count)
            return matrix
        }
    }
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

    /// Gives the whole pages of these numbers back to the page cache; they can still be read.
    func release() {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let start = Int(bitPattern: pointer)
        let first = (start + page - 1) / page * page
        let last = (start + count * 2) / page * page
        guard first < last, let address = UnsafeMutableRawPointer(bitPattern: first) else { return }
        madvise(address, last - first, MADV_DONTNEED)
    }
}

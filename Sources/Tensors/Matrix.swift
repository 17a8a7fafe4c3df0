import CKernels

/// A view of float32 numbers in rows: everything this model computes is a matrix.
///
/// Rows may stand further apart than they are long, so a range of rows or columns is a view without a
/// copy. `owner` keeps the memory alive; views into a `Workspace` have none and end with its scope.
public struct Matrix: @unchecked Sendable {
    public let pointer: UnsafeMutablePointer<Float>
    public let rows: Int
    public let columns: Int
    /// Elements from one row's start to the next one's.
    public let stride: Int
    let owner: MatrixStorage?

    init(
        pointer: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int, owner: MatrixStorage?
    ) {
        self.pointer = pointer
        self.rows = rows
        self.columns = columns
        self.stride = stride
        self.owner = owner
    }

    /// A matrix of its own memory, not cleared.
    public init(rows: Int, columns: Int) {
        let storage = MatrixStorage(count: rows * columns)
        self.init(pointer: storage.pointer, rows: rows, columns: columns, stride: columns, owner: storage)
    }

    public init(rows: Int, columns: Int, _ values: [Float]) {
        precondition(values.count == rows * columns, "values must be rows x columns")
        self.init(rows: rows, columns: columns)
        pointer.update(from: values, count: values.count)
    }

    /// Rows `range` as a view.
    public func rows(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows out of range")
        return Matrix(
            pointer: pointer + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride,
            owner: owner)
    }

    /// Columns `range` as a view.
    public func columns(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns out of range")
        return Matrix(
            pointer: pointer + range.lowerBound, rows: rows, columns: range.count, stride: stride,
            owner: owner)
    }

    /// The same elements in rows of another length; there must be no gaps between rows.
    public func reshaped(rows newRows: Int, columns newColumns: Int) -> Matrix {
        precondition(stride == columns && newRows * newColumns == rows * columns, "elements must be the same")
        return Matrix(
            pointer: pointer, rows: newRows, columns: newColumns, stride: newColumns, owner: owner)
    }

    /// One element. The memory stays alive while it is read, even when this view is a temporary.
    public subscript(row: Int, column: Int) -> Float {
        precondition(row >= 0 && row < rows && column >= 0 && column < columns, "element out of range")
        return withExtendedLifetime(owner) { pointer[row * stride + column] }
    }

    /// Start of a row. Valid while this matrix, or another view of its memory, is held in a variable.
    public func row(_ index: Int) -> UnsafeMutablePointer<Float> {
        pointer + index * stride
    }

    /// Copies every element of `source`, which has this shape.
    public func copy(from source: Matrix) {
        precondition(source.rows == rows && source.columns == columns, "shapes must be equal")
        for index in 0..<rows {
            row(index).update(from: source.row(index), count: columns)
        }
    }

    /// A matrix of its own memory with the same numbers, for what must outlive a workspace's scope.
    public func copied() -> Matrix {
        let copy = Matrix(rows: rows, columns: columns)
        copy.copy(from: self)
        return copy
    }

    /// A copy with rows and columns exchanged.
    public func transposed() -> Matrix {
        let copy = Matrix(rows: columns, columns: rows)
        for index in 0..<rows {
            for column in 0..<columns { copy.row(column)[index] = row(index)[column] }
        }
        return copy
    }

    /// Row-major elements without gaps.
    public var values: [Float] {
        (0..<rows).flatMap { Array(UnsafeBufferPointer(start: row($0), count: columns)) }
    }
}

/// Memory of one matrix.
final class MatrixStorage: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Float>

    init(count: Int) {
        pointer = AlignedMemory.allocate(count)
    }

    deinit {
        AlignedMemory.free(pointer)
    }
}

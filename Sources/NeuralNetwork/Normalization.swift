import CKernels
import Tensors

/// (x - mean) / sqrt(variance + epsilon) * gain + bias over each row.
public struct LayerNorm: Sendable {
    /// `[columns]`
    public let gain: Matrix
    /// `[columns]`
    public let bias: Matrix
    public let epsilon: Float

    public init(gain: Matrix, bias: Matrix, epsilon: Float) {
        self.gain = gain
        self.bias = bias
        self.epsilon = epsilon
    }

    /// x and out `[rows, columns]`; out may be x.
    public func apply(_ x: Matrix, into out: Matrix, in context: ComputeContext) {
        precondition(x.columns == gain.columns && out.rows == x.rows, "shapes must be equal")
        context.team.run(rows: x.rows, minimum: 64, Rows(norm: self, x: x, out: out))
    }

    /// out = LayerNorm(x + addend); an addend of one row is added to every row.
    public func apply(_ x: Matrix, plus addend: Matrix, into out: Matrix, in context: ComputeContext) {
        precondition(addend.rows == x.rows || addend.rows == 1, "addend has as many rows as x, or one")
        context.team.run(rows: x.rows, minimum: 64, RowsOfSum(norm: self, x: x, addend: addend, out: out))
    }

    private struct Rows: ParallelRows {
        let norm: LayerNorm
        let x: Matrix
        let out: Matrix

        func run(_ rows: Range<Int>) {
            kernel_layer_norm(
                x.row(rows.lowerBound), x.stride, norm.gain.pointer, norm.bias.pointer, norm.epsilon,
                rows.count, x.columns, out.row(rows.lowerBound), out.stride)
        }
    }

    private struct RowsOfSum: ParallelRows {
        let norm: LayerNorm
        let x: Matrix
        let addend: Matrix
        let out: Matrix

        func run(_ rows: Range<Int>) {
            let step = addend.rows == 1 ? 0 : addend.stride
            kernel_add_layer_norm(
                x.row(rows.lowerBound), x.stride, addend.pointer + rows.lowerBound * step, step,
                norm.gain.pointer, norm.bias.pointer, norm.epsilon, rows.count, x.columns,
                out.row(rows.lowerBound), out.stride)
        }
    }
}

/// x / sqrt(mean(x^2) + epsilon) * gain over each row.
public struct RMSNorm: Sendable {
    /// `[columns]`
    public let gain: Matrix
    public let epsilon: Float

    public init(gain: Matrix, epsilon: Float) {
        self.gain = gain
        self.epsilon = epsilon
    }

    /// x and out `[rows, columns]`; out may be x.
    public func apply(_ x: Matrix, into out: Matrix, in context: ComputeContext) {
        precondition(x.columns == gain.columns && out.rows == x.rows, "shapes must be equal")
        context.team.run(rows: x.rows, minimum: 64, Rows(norm: self, x: x, out: out))
    }

    private struct Rows: ParallelRows {
        let norm: RMSNorm
        let x: Matrix
        let out: Matrix

        func run(_ rows: Range<Int>) {
            kernel_rms_norm(
                x.row(rows.lowerBound), x.stride, norm.gain.pointer, norm.epsilon, rows.count, x.columns,
                out.row(rows.lowerBound), out.stride)
        }
    }
}

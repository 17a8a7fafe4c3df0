import CKernels
import Tensors

/// y = x W^T + b.
public struct Linear: Sendable {
    /// `[outputs, inputs]`
    public let weight: WeightMatrix
    /// `[outputs]` as one row, or nil.
    public let bias: Matrix?

    public var inputs: Int { weight.inputs }
    public var outputs: Int { weight.outputs }

    public init(weight: WeightMatrix, bias: Matrix?) {
        precondition(bias.map { $0.rows == 1 && $0.columns == weight.outputs } ?? true, "bias is [outputs]")
        self.weight = weight
        self.bias = bias
    }

    /// What happens to the product while it is still in the cache.
    public enum Activation: Sendable {
        case none
        case gelu
        case relu
    }

    /// x `[rows, inputs]` to out `[rows, outputs]`.
    public func apply(
        _ x: Matrix, into out: Matrix, activation: Activation = .none, in context: ComputeContext
    ) {
        context.multiply(x, by: weight, into: out) { columns in
            let part = out.columns(columns)
            switch (activation, bias) {
            case (.none, nil): break
            case (.none, let bias?):
                kernel_bias(
                    part.pointer, part.stride, bias.pointer + columns.lowerBound, part.rows, part.columns)
            case (.gelu, let bias):
                withBias(bias, columns) {
                    kernel_bias_gelu(part.pointer, part.stride, $0, part.rows, part.columns)
                }
            case (.relu, let bias):
                withBias(bias, columns) {
                    kernel_bias_relu(part.pointer, part.stride, $0, part.rows, part.columns)
                }
            }
        }
    }

    /// residual += (x W^T + b) * scale; residual `[rows, outputs]`, scale `[outputs]` or nil for 1.
    public func addResult(
        of x: Matrix, to residual: Matrix, scale: Matrix? = nil, in context: ComputeContext
    ) {
        context.workspace.scope {
            let product = context.workspace.matrix(x.rows, outputs)
            context.multiply(x, by: weight, into: product) { columns in
                let part = product.columns(columns)
                let target = residual.columns(columns)
                kernel_bias_scale_add(
                    part.pointer, part.stride, bias.map { UnsafePointer($0.pointer + columns.lowerBound) },
                    scale.map { UnsafePointer($0.pointer + columns.lowerBound) }, target.pointer,
                    target.stride, part.rows, part.columns)
            }
        }
    }

    private func withBias(_ bias: Matrix?, _ columns: Range<Int>, _ body: (UnsafePointer<Float>) -> Void) {
        if let bias {
            body(bias.pointer + columns.lowerBound)
        } else {
            let zeros = [Float](repeating: 0, count: columns.count)
            zeros.withUnsafeBufferPointer { body($0.baseAddress!) }
        }
    }
}

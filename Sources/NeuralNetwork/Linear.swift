import CKernels
import Tensors

/// y = x W^T + b.
public struct Linear: Sendable {
    public let weight: ArrangedWeights
    /// `[outputs]` as one row, or nil.
    public let bias: Matrix?

    public var inputs: Int { weight.inputs }
    public var outputs: Int { weight.outputs }

    /// `weight` `[outputs, inputs]`.
    public init(weight: WeightMatrix, bias: Matrix?) {
        self.init(weight: ArrangedWeights(weight), bias: bias)
    }

    public init(weight: ArrangedWeights, bias: Matrix?) {
        precondition(bias.map { $0.rows == 1 && $0.columns == weight.outputs } ?? true, "bias is [outputs]")
        self.weight = weight
        self.bias = bias
    }

    /// What happens to the product while it is still in the cache; GELU and ReLU only follow a bias.
    public enum Activation: Sendable {
        case none
        case gelu
        case relu
    }

    /// x `[rows, inputs]` to out `[rows, outputs]`.
    public func apply(
        _ x: Matrix, into out: Matrix, activation: Activation = .none, in context: ComputeContext
    ) {
        guard let bias else {
            precondition(activation == .none, "an activation follows a bias")
            return context.multiply(x, by: weight, into: out)
        }
        context.multiply(
            x, by: weight, into: out, finish: Biased(out: out, bias: bias, activation: activation))
    }

    /// residual += (x W^T + b) * scale; residual `[rows, outputs]`, scale `[outputs]` or nil for 1.
    public func addResult(
        of x: Matrix, to residual: Matrix, scale: Matrix? = nil, in context: ComputeContext
    ) {
        context.workspace.scope {
            let product = context.workspace.matrix(x.rows, outputs)
            let adding = Adding(product: product, bias: bias, scale: scale, residual: residual)
            context.multiply(x, by: weight, into: product, finish: adding)
        }
    }

    private struct Biased: ProductFinish {
        let out: Matrix
        let bias: Matrix
        let activation: Activation

        func finish(_ part: ComputeContext.Part) {
            let y = part.of(out)
            let bias = bias.pointer + part.columns.lowerBound
            switch activation {
            case .none: kernel_bias(y.pointer, y.stride, bias, y.rows, y.columns)
            case .gelu: kernel_bias_gelu(y.pointer, y.stride, bias, y.rows, y.columns)
            case .relu: kernel_bias_relu(y.pointer, y.stride, bias, y.rows, y.columns)
            }
        }
    }

    private struct Adding: ProductFinish {
        let product: Matrix
        let bias: Matrix?
        let scale: Matrix?
        let residual: Matrix

        func finish(_ part: ComputeContext.Part) {
            let (y, target) = (part.of(product), part.of(residual))
            let first = part.columns.lowerBound
            kernel_bias_scale_add(
                y.pointer, y.stride, bias.map { UnsafePointer($0.pointer + first) },
                scale.map { UnsafePointer($0.pointer + first) }, target.pointer, target.stride, y.rows,
                y.columns)
        }
    }
}

import CKernels
import NeuralNetwork
import Tensors

/// One decoder layer: x += o(attention(norm(x))); x += down(silu(gate(norm(x))) * up(norm(x))).
struct LanguageLayer {
    let inputNorm: RMSNorm
    /// Queries, keys and values side by side.
    let projection: FusedProjection
    let output: Linear
    let feedForwardNorm: RMSNorm
    let gate: Linear
    let up: Linear
    let down: Linear

    /// The gated MLP half, x `[rows, t]` in place.
    func feedForward(_ x: Matrix, in context: ComputeContext) {
        context.workspace.scope {
            let normed = context.workspace.matrix(x.rows, x.columns)
            feedForwardNorm.apply(x, into: normed, in: context)
            let gated = context.workspace.matrix(x.rows, gate.outputs)
            let raised = context.workspace.matrix(x.rows, up.outputs)
            gate.apply(normed, into: gated, in: context)
            context.multiply(normed, by: up.weight, into: raised) { columns in
                let (g, u) = (gated.columns(columns), raised.columns(columns))
                kernel_silu_multiply(g.pointer, g.stride, u.pointer, u.stride, g.rows, g.columns)
            }
            down.addResult(of: gated, to: x, in: context)
        }
    }
}

/// Several linear layers of one input whose outputs lie side by side: all queries, all keys, all values.
///
/// A fused weight of another order (InternLM2 keeps each key head's queries beside it) is given as blocks of
/// its rows, so that mapped weights need no rearranged copy.
struct FusedProjection {
    struct Block {
        var linear: Linear
        /// First column of its output.
        var column: Int
    }

    let blocks: [Block]
    let width: Int

    init(_ blocks: [Block]) {
        self.blocks = blocks
        width = blocks.reduce(0) { $0 + $1.linear.outputs }
    }

    /// x `[rows, inputs]` to out `[rows, width]`.
    func apply(_ x: Matrix, into out: Matrix, in context: ComputeContext) {
        for block in blocks {
            block.linear.apply(
                x, into: out.columns(block.column..<block.column + block.linear.outputs), in: context)
        }
    }
}

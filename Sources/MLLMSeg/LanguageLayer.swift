import CKernels
import NeuralNetwork
import Tensors

/// One decoder layer: x += o(attention(norm(x))); x += down(silu(gate(norm(x))) * up(norm(x))).
struct LanguageLayer {
    let inputNorm: RMSNorm
    /// Queries, keys and values side by side.
    let projection: Linear
    let output: Linear
    let feedForwardNorm: RMSNorm
    let gate: ArrangedWeights
    let up: ArrangedWeights
    let down: Linear

    /// The gated MLP half, x `[rows, t]` in place.
    func feedForward(_ x: Matrix, in context: ComputeContext) {
        context.workspace.scope {
            let normed = context.workspace.matrix(x.rows, x.columns)
            feedForwardNorm.apply(x, into: normed, in: context)
            let gated = context.workspace.matrix(x.rows, gate.outputs)
            let raised = context.workspace.matrix(x.rows, up.outputs)
            let arranged = context.arrange(normed)
            context.multiply(arranged, by: gate, into: gated)
            context.multiply(arranged, by: up, into: raised, finish: Gating(gated: gated, raised: raised))
            down.addResult(of: gated, to: x, in: context)
        }
    }

    /// gated = silu(gated) * raised
    private struct Gating: ProductFinish {
        let gated: Matrix
        let raised: Matrix

        func finish(_ part: ComputeContext.Part) {
            let (g, u) = (part.of(gated), part.of(raised))
            kernel_silu_multiply(g.pointer, g.stride, u.pointer, u.stride, g.rows, g.columns)
        }
    }
}

import Checkpoints
import CKernels
import NeuralNetwork
import Tensors

/// DySample "lp", scale 2, 4 groups (Liu et al. 2023): each output cell samples the input where a learned
/// offset points, `upsample_adapter_l.*`.
struct DynamicUpsampler {
    private static let groups = 4
    /// d to 32 offsets: coordinate * 16 + group * 4 + sy * 2 + sx, coordinate 0 = x, 1 = y.
    private let offset: Linear
    /// `[32]`
    private let initialPosition: Matrix

    init(_ key: String, width: Int, from loader: WeightLoader) throws(CheckpointError) {
        let weight = try loader.checkpoint.take(key + ".offset.weight", [32, width, 1, 1])
        offset = Linear(weight: WeightMatrix(weight), bias: try loader.vector(key + ".offset.bias", 32))
        initialPosition = try loader.checkpoint.take(key + ".init_pos", [1, 32, 1, 1])
    }

    /// x `[grid * grid, d]` to out `[2 grid * 2 grid, d]`.
    func apply(_ x: Matrix, grid: Int, into out: Matrix, stage: String, in context: ComputeContext) {
        precondition(x.rows == grid * grid && out.rows == 4 * x.rows, "out has twice the grid")
        context.workspace.scope {
            let offsets = context.workspace.matrix(x.rows, 32)
            offset.apply(x, into: offsets, in: context)
            for row in 0..<offsets.rows {
                for channel in 0..<32 {
                    let value = offsets.row(row)[channel] * 0.25
                    offsets.row(row)[channel] = value + initialPosition.pointer[channel]
                }
            }
            context.observe(stage + ".offset", offsets)
            let (sampleX, sampleY) = coordinates(offsets, grid: grid, in: context)
            let sampling = Sampling(x: x, grid: grid, sampleX: sampleX, sampleY: sampleY, out: out)
            context.team.run(Self.groups, sampling)
        }
        context.observe(stage + ".out", out)
    }

    /// Sampling points in input pixels, `[groups, 2 grid * 2 grid]` for x and for y.
    private func coordinates(
        _ offsets: Matrix, grid: Int, in context: ComputeContext
    ) -> (x: Matrix, y: Matrix) {
        let cells = 4 * grid * grid
        let x = context.workspace.matrix(Self.groups, cells)
        let y = context.workspace.matrix(Self.groups, cells)
        for cell in 0..<cells {
            let (row, column) = (cell / (2 * grid), cell % (2 * grid))
            let source = offsets.row(row / 2 * grid + column / 2)
            for group in 0..<Self.groups {
                let channel = group * 4 + row % 2 * 2 + column % 2
                x.row(group)[cell] = Float(column / 2) + source[channel]
                y.row(group)[cell] = Float(row / 2) + source[16 + channel]
            }
        }
        return (x, y)
    }

    /// A group of channels is an item.
    private struct Sampling: ParallelLoop {
        let x: Matrix
        let grid: Int
        let sampleX: Matrix
        let sampleY: Matrix
        let out: Matrix

        func run(_ group: Int, as worker: Int) {
            let channels = x.columns / DynamicUpsampler.groups
            kernel_sample_group(
                x.pointer + group * channels, x.stride, grid, sampleX.row(group), sampleY.row(group),
                channels, out.pointer + group * channels, out.stride)
        }
    }
}

import CKernels
import Segmentation
import Tensors

/// Brings a probability map to the picture's own size and thresholds it, a row at a time.
enum MaskResizer {
    /// Bilinear with half-pixel centres and no antialias, as PyTorch's interpolate(align_corners = False).
    /// map `[side, side]`.
    static func mask(
        from map: Matrix, width: Int, height: Int, threshold: Float, in context: ComputeContext
    ) -> ScoredMask {
        context.workspace.scope {
            let bands = min(height, 16)
            let totals = context.workspace.memory(of: Bands.Total.self, bands)
            let pixels = [UInt8](unsafeUninitializedCapacity: width * height) { pixels, count in
                count = width * height
                guard let first = pixels.baseAddress else { return }
                let loop = Bands(
                    map: map, columns: Taps(from: map.columns, to: width, in: context.workspace),
                    rows: Taps(from: map.rows, to: height, in: context.workspace), width: width,
                    height: height,
                    threshold: threshold, count: bands, values: context.workspace.matrix(bands, width),
                    pixels: first, totals: totals)
                context.team.run(bands, loop)
            }
            // In the bands' order, so that the sum is the same whoever computed them.
            var whole = Bands.Total()
            for band in 0..<bands {
                whole.probability += totals[band].probability
                whole.area += totals[band].area
            }
            let score = whole.area == 0 ? 0 : Float(whole.probability / Double(whole.area))
            return ScoredMask(mask: Mask(width: width, height: height, pixels: pixels), score: score)
        }
    }

    /// A band of rows is an item.
    private struct Bands: ParallelLoop {
        /// What a band has above the threshold.
        struct Total {
            var probability = 0.0
            var area = 0
        }

        let map: Matrix
        let columns: Taps
        let rows: Taps
        let width: Int
        let height: Int
        let threshold: Float
        let count: Int
        /// `[count, width]`
        let values: Matrix
        let pixels: UnsafeMutablePointer<UInt8>
        let totals: UnsafeMutablePointer<Total>

        func run(_ band: Int, as worker: Int) {
            var total = Total()
            for y in height * band / count..<height * (band + 1) / count {
                kernel_resize_row(
                    map.row(Int(rows.left[y])), map.row(Int(rows.right[y])), rows.weight[y], columns.left,
                    columns.right, columns.weight, width, values.row(band))
                total.area += kernel_threshold_row(
                    values.row(band), width, threshold, pixels + y * width, &total.probability)
            }
            totals[band] = total
        }
    }

    /// The two source indices and the second one's weight for each target index.
    private struct Taps {
        let left: UnsafeMutablePointer<Int32>
        let right: UnsafeMutablePointer<Int32>
        let weight: UnsafeMutablePointer<Float>

        init(from source: Int, to target: Int, in workspace: Workspace) {
            left = workspace.memory(of: Int32.self, target)
            right = workspace.memory(of: Int32.self, target)
            weight = workspace.memory(of: Float.self, target)
            let scale = Float(Double(source) / Double(target))
            for index in 0..<target {
                let place = max(0, (Float(index) + 0.5) * scale - 0.5)
                left[index] = min(Int32(place), Int32(source - 1))
                right[index] = min(left[index] + 1, Int32(source - 1))
                weight[index] = place - Float(left[index])
            }
        }
    }
}

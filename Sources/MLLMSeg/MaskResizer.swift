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
        let columns = Taps(from: map.columns, to: width)
        let rows = Taps(from: map.rows, to: height)
        var pixels = [UInt8](repeating: 0, count: width * height)
        // One partial sum for each band of rows; bands never share one.
        let bands = min(height, 16)
        var sums = [Double](repeating: 0, count: bands)
        var counts = [Int](repeating: 0, count: bands)
        context.workspace.scope {
            let values = context.workspace.matrix(bands, width)
            pixels.withUnsafeMutableBufferPointer { pixels in
                sums.withUnsafeMutableBufferPointer { sums in
                    counts.withUnsafeMutableBufferPointer { counts in
                        let out = Bands(
                            pixels: pixels.baseAddress!, sums: sums.baseAddress!, counts: counts.baseAddress!)
                        context.team.forEach(bands) { band, _ in
                            for y in height * band / bands..<height * (band + 1) / bands {
                                kernel_resize_row(
                                    map.row(Int(rows.left[y])), map.row(Int(rows.right[y])), rows.weight[y],
                                    columns.left, columns.right, columns.weight, width, values.row(band))
                                out.counts[band] += Int(
                                    kernel_threshold_row(
                                        values.row(band), width, threshold, out.pixels + y * width,
                                        out.sums + band))
                            }
                        }
                    }
                }
            }
        }
        let area = counts.reduce(0, +)
        let score = area == 0 ? 0 : Float(sums.reduce(0, +) / Double(area))
        return ScoredMask(mask: Mask(width: width, height: height, pixels: pixels), score: score)
    }

    private struct Bands: @unchecked Sendable {
        let pixels: UnsafeMutablePointer<UInt8>
        let sums: UnsafeMutablePointer<Double>
        let counts: UnsafeMutablePointer<Int>
    }

    /// The two source indices and the second one's weight for each target index.
    private struct Taps {
        var left: [Int32]
        var right: [Int32]
        var weight: [Float]

        init(from source: Int, to target: Int) {
            let scale = Float(Double(source) / Double(target))
            let places = (0..<target).map { max(0, (Float($0) + 0.5) * scale - 0.5) }
            left = places.map { min(Int32($0), Int32(source - 1)) }
            right = left.map { min($0 + 1, Int32(source - 1)) }
            weight = zip(places, left).map { $0 - Float($1) }
        }
    }
}

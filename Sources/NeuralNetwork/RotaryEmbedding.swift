import CKernels
import Glibc
import Tensors

/// Rotary position embedding with half-split rotation (RoFormer; the LLaMA layout): element i of a head turns
/// with element i + d/2 by position * theta^(-2i/d).
public struct RotaryEmbedding: Sendable {
    public let headSize: Int
    private let frequencies: [Float]

    /// `positionScale` divides every position (linear RoPE scaling); 1 leaves them.
    public init(headSize: Int, theta: Double, positionScale: Double = 1) {
        self.headSize = headSize
        frequencies = (0..<headSize / 2).map {
            Float(1 / pow(theta, Double(2 * $0) / Double(headSize)) / positionScale)
        }
    }

    /// Cosines and sines of some rows' positions, `[rows, headSize / 2]` each.
    public struct Tables {
        public let cosine: Matrix
        public let sine: Matrix
    }

    /// Tables for `rows` rows, not filled yet, in the workspace's scope.
    public func tables(rows: Int, in workspace: Workspace) -> Tables {
        Tables(
            cosine: workspace.matrix(rows, headSize / 2), sine: workspace.matrix(rows, headSize / 2))
    }

    /// Fills a range of rows, whose positions follow each other from `position` on.
    public func fill(_ tables: Tables, _ rows: Range<Int>, from position: Int) {
        for row in rows {
            let place = Float(position + row - rows.lowerBound)
            for (column, frequency) in frequencies.enumerated() {
                // The product is rounded to float32 first, as the reference does.
                let angle = place * frequency
                tables.cosine.row(row)[column] = cosf(angle)
                tables.sine.row(row)[column] = sinf(angle)
            }
        }
    }

    /// Rotates one head, columns `start ..< start + headSize` of x, in place.
    public func rotate(_ x: Matrix, headAt start: Int, cosine: Matrix, sine: Matrix) {
        kernel_rotate_half(
            x.pointer + start, x.stride, cosine.pointer, sine.pointer, x.rows, headSize)
    }
}

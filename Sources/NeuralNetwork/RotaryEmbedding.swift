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

    /// Cosines and sines `[positions, headSize / 2]` for the given positions.
    public func tables(_ positions: [Int], in workspace: Workspace) -> (cosine: Matrix, sine: Matrix) {
        let cosine = workspace.matrix(positions.count, headSize / 2)
        let sine = workspace.matrix(positions.count, headSize / 2)
        for (row, position) in positions.enumerated() {
            for (column, frequency) in frequencies.enumerated() {
                // The product is rounded to float32 first, as the reference does.
                let angle = Float(position) * frequency
                cosine.row(row)[column] = cosf(angle)
                sine.row(row)[column] = sinf(angle)
            }
        }
        return (cosine, sine)
    }

    /// Rotates one head, columns `start ..< start + headSize` of x, in place.
    public func rotate(_ x: Matrix, headAt start: Int, cosine: Matrix, sine: Matrix) {
        kernel_rotate_half(
            x.pointer + start, x.stride, cosine.pointer, sine.pointer, x.rows, headSize)
    }
}

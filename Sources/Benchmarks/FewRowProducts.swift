import CKernels
import Tensors

/// The kernels for few rows against OpenBLAS on one thread, at the language model's shapes of the official 1B.
enum FewRowProducts {
    private static let shapes = [(896, 896), (4_864, 896), (896, 4_864), (151_676, 896)]

    static func table() throws -> String {
        try BLAS.open()
        var lines = [
            "one thread, GFLOP/s (OpenBLAS \(BLAS.coreName) on float32; it would have to widen bfloat16 first)",
            "",
            "| outputs x inputs | rows | OpenBLAS | kernel float32 | kernel bfloat16 | bfloat16 / OpenBLAS |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for (outputs, inputs) in shapes {
            let weights = values(outputs, inputs)
            let halves = weights.values.map { UInt16($0.bitPattern >> 16) }
            for rows in outputs > 100_000 ? [1] : [1, 8, 25, 40, 128, 256] {
                lines.append(row(weights, halves, values(rows, inputs)))
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ weights: Matrix, _ halves: [UInt16], _ x: Matrix) -> String {
        let (outputs, inputs, rows) = (weights.rows, weights.columns, x.rows)
        let out = Matrix(rows: rows, columns: outputs)
        let operations = 2 * Double(rows * outputs * inputs)
        func rate(_ body: () -> Void) -> Double {
            body()
            let repeats = max(1, Int(1e9 / operations))
            var best = Double.infinity
            for _ in 0..<3 {
                let start = ContinuousClock.now
                for _ in 0..<repeats { body() }
                best = min(best, (ContinuousClock.now - start).seconds / Double(repeats))
            }
            return operations / best / 1e9
        }
        let blas = rate { BLAS.multiply(x, weights, transposed: true, into: out) }
        let wide = rate {
            kernel_product_f32(
                x.pointer, inputs, rows, weights.pointer, inputs, outputs, out.pointer, outputs)
        }
        let narrow = rate {
            kernel_product_bf16(x.pointer, inputs, rows, halves, inputs, outputs, out.pointer, outputs)
        }
        let cells = [blas, wide, narrow].map { "\(Int($0.rounded()))" }
        let ratio = "\((narrow / blas * 100).rounded() / 100)"
        return "| \(outputs) x \(inputs) | \(rows) | " + cells.joined(separator: " | ") + " | \(ratio) |"
    }

    private static func values(_ rows: Int, _ columns: Int) -> Matrix {
        let matrix = Matrix(rows: rows, columns: columns)
        for place in 0..<rows * columns {
            matrix.pointer[place] = Float(place % 127) / 128 - 0.5
        }
        return matrix
    }
}

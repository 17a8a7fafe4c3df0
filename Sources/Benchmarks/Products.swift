import CKernels
import Tensors

/// The product kernels against OpenBLAS on as many threads, at shapes of the official 1B.
enum Products {
    /// Rows, outputs, inputs: a phrase, a prompt, a picture, one token's vocabulary.
    private static let shapes = [
        (1, 4_864, 896), (8, 4_864, 896), (23, 4_864, 896), (37, 4_864, 896), (37, 896, 4_864),
        (298, 4_864, 896), (298, 896, 4_864), (1_025, 4_096, 1_024), (1_025, 1_024, 4_096),
        (2_048, 2_048, 2_048), (1, 151_676, 896),
    ]

    static func table(threads: Int) throws -> String {
        try BLAS.open()
        let team = ThreadTeam(threads: threads)
        let levels = [0, 3, 4].filter { $0 <= kernel_processor_level() }
        let names: [Int32: String] = [0: "baseline", 3: "AVX2", 4: "AVX-512"]
        let columns = levels.flatMap { ["\(names[$0] ?? "") float32", "bfloat16"] }
        var lines = [
            "\(threads) threads, GFLOP/s (OpenBLAS \(BLAS.coreName) on float32; it would have to widen bfloat16 first)",
            "", "| rows | outputs x inputs | OpenBLAS | " + columns.joined(separator: " | ") + " |",
            "| --- | --- | --- |" + String(repeating: " --- |", count: columns.count),
        ]
        for (rows, outputs, inputs) in shapes {
            let weights = values(outputs, inputs)
            let x = values(rows, inputs)
            let out = Matrix(rows: rows, columns: outputs)
            let operations = 2 * Double(rows * outputs * inputs)
            // OpenBLAS is split where it loses least: by outputs.
            let alone = {
                team.forEachRange(outputs, minimum: 32) { part in
                    BLAS.multiply(x, weights.rows(part), transposed: true, into: out.columns(part))
                }
            }
            var rates = [rate(operations, alone)]
            for level in levels {
                let context = ComputeContext(threads: threads, level: level)
                for arranged in [ArrangedWeights(WeightMatrix(weights)), narrow(weights)] {
                    rates.append(rate(operations) { context.multiply(x, by: arranged, into: out) })
                }
            }
            let cells = ["\(rows)", "\(outputs) x \(inputs)"] + rates.map { "\(Int($0.rounded()))" }
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n")
    }

    private static func rate(_ operations: Double, _ body: () -> Void) -> Double {
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

    private static func values(_ rows: Int, _ columns: Int) -> Matrix {
        let matrix = Matrix(rows: rows, columns: columns)
        for place in 0..<rows * columns {
            matrix.pointer[place] = Float(place % 127) / 128 - 0.5
        }
        return matrix
    }

    private final class Halves {
        let pointer: UnsafeMutablePointer<UInt16>

        init(_ matrix: Matrix) {
            let count = matrix.rows * matrix.columns
            pointer = .allocate(capacity: count)
            for place in 0..<count { pointer[place] = UInt16(matrix.pointer[place].bitPattern >> 16) }
        }

        deinit { pointer.deallocate() }
    }

    private static func narrow(_ matrix: Matrix) -> ArrangedWeights {
        let halves = Halves(matrix)
        let mapped = MappedHalves(
            pointer: UnsafePointer(halves.pointer), count: matrix.rows * matrix.columns, owner: halves)
        return ArrangedWeights(WeightMatrix(mapped: mapped, outputs: matrix.rows, inputs: matrix.columns))
    }
}

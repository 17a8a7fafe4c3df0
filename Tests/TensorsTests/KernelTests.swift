import CKernels
import Glibc
import NeuralNetwork
import Tensors
import Testing

/// Kernels against double-precision formulas, and products against loops.
@Suite struct KernelTests {
    private func random(_ rows: Int, _ columns: Int, scale: Float = 1) -> Matrix {
        var seed: UInt64 = UInt64(rows * 7919 + columns)
        return Matrix(
            rows: rows, columns: columns,
            (0..<rows * columns).map { _ in
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (Float(seed >> 40) / Float(1 << 23) - 1) * scale
            })
    }

    @Test func geluAndSigmoidMeetTheFormulas() {
        let inputs = (-4000...4000).map { Float($0) / 400 }
        let x = Matrix(rows: 1, columns: inputs.count, inputs)
        let zeros = Matrix(rows: 1, columns: inputs.count, inputs.map { _ in 0 })
        kernel_bias_gelu(x.pointer, x.stride, zeros.pointer, 1, x.columns)
        for (value, input) in zip(x.values, inputs) {
            let exact = 0.5 * Double(input) * (1 + erf(Double(input) / 2.0.squareRoot()))
            #expect(abs(Double(value) - exact) < 1e-6)
        }
        let y = Matrix(rows: 1, columns: inputs.count, inputs)
        kernel_sigmoid(y.pointer, y.columns)
        for (value, input) in zip(y.values, inputs) {
            #expect(abs(Double(value) - 1 / (1 + exp(-Double(input)))) < 2e-7)
        }
    }

    @Test func extremesStayFinite() {
        let y = Matrix(rows: 1, columns: 4, [-1e30, 1e30, -200, 200])
        kernel_sigmoid(y.pointer, 4)
        #expect(y.values.allSatisfy { $0.isFinite && $0 >= 0 && $0 <= 1 })
        let scores = Matrix(rows: 1, columns: 3, [-1e30, 0, 1e30])
        kernel_softmax(scores.pointer, 3, 1, 3, 3)
        #expect(scores[0, 0] < 1e-37 && scores[0, 1] < 1e-37 && scores[0, 2] == 1)
    }

    @Test(arguments: [1, 5, 16, 17, 33])
    func softmaxIsCausalAndSumsToOne(columns: Int) {
        let scores = random(3, columns, scale: 5)
        let before = scores.values.map(Double.init)
        kernel_softmax(scores.pointer, scores.stride, 3, columns, 1)
        for row in 0..<3 {
            let seen = min(columns, 1 + row)
            let terms = (0..<seen).map { exp(before[row * columns + $0]) }
            for column in 0..<columns {
                let exact = column < seen ? terms[column] / terms.reduce(0, +) : 0
                #expect(abs(Double(scores[row, column]) - exact) < 1e-6)
            }
        }
    }

    @Test func halvesWidenExactly() {
        for bits in stride(from: 0, through: 0xFFFF, by: 1) {
            var half = UInt16(bits)
            var value: Float = 0
            kernel_widen_bf16(&half, &value, 1)
            #expect(value.bitPattern == UInt32(bits) << 16)
            kernel_widen_f16(&half, &value, 1)
            let magnitude = bits & 0x7FFF
            guard magnitude < 0x7C00 else {
                #expect(magnitude == 0x7C00 ? value.isInfinite : value.isNaN)
                continue
            }
            let exponent = magnitude >> 10
            let fraction = Float(magnitude & 0x3FF)
            let exact =
                exponent == 0
                ? fraction * 0x1p-24 : (1 + fraction / 1024) * exp2f(Float(exponent - 15))
            #expect(value == (bits & 0x8000 != 0 ? -exact : exact))
        }
    }

    @Test(arguments: [(1, 32, 8), (3, 200, 64), (130, 96, 48), (257, 576, 192)], [1, 2, 3])
    func productsEqualLoops(shape: (Int, Int, Int), threads: Int) throws {
        let (m, n, k) = shape
        let x = random(m, k)
        let w = random(n, k)
        let context = try ComputeContext(threads: threads)
        let out = Matrix(rows: m, columns: n)
        context.multiply(x, by: WeightMatrix(w), into: out)
        for row in stride(from: 0, to: m, by: 7) {
            for column in 0..<n {
                let exact = (0..<k).reduce(0.0) { $0 + Double(x[row, $1]) * Double(w[column, $1]) }
                #expect(abs(Double(out[row, column]) - exact) < 1e-4)
            }
        }
    }

    /// Rows of any number, outputs of any number, inputs that end inside a vector and beyond a chunk.
    @Test(arguments: [1, 2, 7, 8, 9, 25], [(1, 1), (5, 15), (33, 16), (64, 1_100), (10, 2_064)])
    func fewRowProductsEqualLoopsWhateverTheCompany(rows: Int, shape: (Int, Int)) throws {
        let (outputs, inputs) = shape
        let x = random(rows, inputs)
        // Numbers that bfloat16 holds exactly, so that both forms have one right answer.
        let w = Matrix(
            rows: outputs, columns: inputs,
            random(outputs, inputs).values.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) })
        let halves = w.values.map { UInt16($0.bitPattern >> 16) }
        let (wide, narrow) = (Matrix(rows: rows, columns: outputs), Matrix(rows: rows, columns: outputs))
        kernel_product_f32(x.pointer, inputs, rows, w.pointer, inputs, outputs, wide.pointer, outputs)
        kernel_product_bf16(x.pointer, inputs, rows, halves, inputs, outputs, narrow.pointer, outputs)
        #expect(wide.values == narrow.values)
        let alone = Matrix(rows: 1, columns: outputs)
        for row in 0..<rows {
            kernel_product_f32(x.row(row), inputs, 1, w.pointer, inputs, outputs, alone.pointer, outputs)
            #expect(alone.values == wide.rows(row..<row + 1).values, "a row must not depend on its company")
            for output in 0..<outputs {
                let exact = (0..<inputs).reduce(0.0) { $0 + Double(x[row, $1]) * Double(w[output, $1]) }
                #expect(abs(Double(wide[row, output]) - exact) < 1e-4)
            }
        }
    }

    @Test func quotaReadsControlGroupFiles() {
        #expect(Processor.quota(cpuMax: "max 100000\n") == nil)
        #expect(Processor.quota(cpuMax: "150000 100000\n") == 2)
        #expect(Processor.quota(cpuMax: "100000 100000") == 1)
        #expect(Processor.quota(cpuMax: "-1 100000") == nil)
        #expect(Processor.quota(cpuMax: "") == nil)
        #expect(Processor.usableThreads >= 1)
    }

    @Test func openBLASRunsTheKernelsOfThisProcessor() throws {
        try BLAS.open()
        // The trap: a library that doesn't know the processor falls back to SSE3 kernels, ten times slower.
        if let wanted = Processor.openBLASCoreType {
            #expect(BLAS.coreName.lowercased() == wanted.lowercased())
        }
    }
}

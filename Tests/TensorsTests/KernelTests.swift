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
        let scores = Matrix(rows: 3, columns: 32)
        for (key, score) in [Float(-1e30), 0, 1e30].enumerated() {
            for lane in 0..<32 { scores.row(key)[lane] = score }
        }
        let inverse = Matrix(rows: 1, columns: 32)
        kernel_softmax_columns(scores.pointer, 3, 1, 3, inverse.pointer)
        #expect(scores[0, 7] < 1e-37 && scores[1, 7] < 1e-37 && scores[2, 7] == 1 && inverse[0, 7] == 1)
    }

    @Test(arguments: [1, 5, 16, 33, 100])
    func softmaxIsCausalAndSumsToOne(keys: Int) {
        let scores = random(keys, 32, scale: 5)
        let before = scores.values.map(Double.init)
        let inverse = Matrix(rows: 1, columns: 32)
        kernel_softmax_columns(scores.pointer, keys, 0.5, 1, inverse.pointer)
        for lane in 0..<32 {
            let seen = min(keys, 1 + lane)
            let terms = (0..<seen).map { exp(0.5 * before[$0 * 32 + lane]) }
            for key in 0..<keys {
                let exact = key < seen ? terms[key] / terms.reduce(0, +) : 0
                #expect(abs(Double(scores[key, lane] * inverse[0, lane]) - exact) < 1e-6)
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
        if let wanted = Processor.openBLASCoreType, getenv("OPENBLAS_CORETYPE") == nil {
            #expect(BLAS.coreName.lowercased() == wanted.lowercased())
        }
    }
}

import CKernels
import NeuralNetwork
import Tensors
import Testing
import Glibc

/// Products and attention on every vector level of this processor, against loops in double precision.
@Suite struct ProductTests {
    static let levels = [Int32(0), 3, 4].filter { $0 <= kernel_processor_level() }

    private func random(_ rows: Int, _ columns: Int) -> Matrix {
        var seed = UInt64(rows * 7919 + columns)
        return Matrix(
            rows: rows, columns: columns,
            (0..<rows * columns).map { _ in
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Float(seed >> 40) / Float(1 << 23) - 1
            })
    }

    private final class Halves {
        var numbers: [UInt16]
        init(_ numbers: [UInt16]) { self.numbers = numbers }
    }

    /// Every height of a tile, outputs that end inside a panel, inputs that end inside a vector and a chunk.
    @Test(
        arguments: levels, [(1, 1), (5, 15), (33, 16), (70, 100), (64, 512), (96, 1_100), (300, 64)])
    func productsEqualLoopsWhateverTheCompany(level: Int32, shape: (Int, Int)) {
        let (outputs, inputs) = shape
        // Numbers that bfloat16 holds exactly, so that both kinds of weights have one right answer.
        let w = Matrix(
            rows: outputs, columns: inputs,
            random(outputs, inputs).values.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) })
        let wide = ArrangedWeights(WeightMatrix(w))
        let halves = w.values.map { UInt16($0.bitPattern >> 16) }
        halves.withUnsafeBufferPointer { halves in
            guard let base = halves.baseAddress else { return }
            let narrow = ArrangedWeights(
                WeightMatrix(
                    mapped: MappedHalves(pointer: base, count: halves.count, owner: Halves([])),
                    outputs: outputs, inputs: inputs))
            for rows in [1, 2, 3, 4, 7, 13, 14, 15, 29, 300] {
                check(rows, w, wide, narrow, level)
            }
            #expect(wide.output(outputs - 1) == w.rows(outputs - 1..<outputs).values)
            #expect(narrow.output(outputs - 1) == w.rows(outputs - 1..<outputs).values)
        }
    }

    private func check(
        _ rows: Int, _ w: Matrix, _ wide: ArrangedWeights, _ narrow: ArrangedWeights, _ level: Int32
    ) {
        let x = random(rows, w.columns)
        let context = ComputeContext(threads: 2, level: level)
        let out = Matrix(rows: rows, columns: w.rows)
        context.multiply(x, by: wide, into: out)
        let other = Matrix(rows: rows, columns: w.rows)
        ComputeContext(threads: 3, level: level).multiply(x, by: narrow, into: other)
        #expect(out.values == other.values, "both kinds of weights, any number of threads")
        let alone = Matrix(rows: 1, columns: w.rows)
        for row in Set([0, rows / 2, rows - 1]) {
            context.multiply(x.rows(row..<row + 1), by: wide, into: alone)
            #expect(alone.values == out.rows(row..<row + 1).values, "a row must not depend on its company")
            for output in 0..<w.rows {
                let exact = (0..<w.columns).reduce(0.0) { $0 + Double(x[row, $1]) * Double(w[output, $1]) }
                #expect(abs(Double(out[row, output]) - exact) < 1e-4)
            }
        }
    }

    @Test func fusedLayersLieSideBySide() {
        let parts = [random(40, 24), random(3, 24), random(30, 24)]
        let x = random(5, 24)
        let context = ComputeContext(threads: 1)
        let fused = Matrix(rows: 5, columns: 73)
        context.multiply(x, by: ArrangedWeights(parts.map { WeightMatrix($0) }), into: fused)
        var start = 0
        for part in parts {
            let own = Matrix(rows: 5, columns: part.rows)
            context.multiply(x, by: ArrangedWeights(WeightMatrix(part)), into: own)
            #expect(own.values == fused.columns(start..<start + part.rows).values)
            start += part.rows
        }
    }

    /// Causal queries behind a prefix, grouped heads, keys in two stretches or in one.
    @Test(arguments: levels, [1, 3, 31, 33, 70])
    func attentionEqualsLoops(level: Int32, rows: Int) {
        let (size, heads, groups, before) = (24, 4, 2, 19)
        let q = random(rows, heads * size)
        let kv = random(before + rows, 2 * groups * size)
        let (keys, values) = (kv.columns(0..<groups * size), kv.columns(groups * size..<2 * groups * size))
        let attention = Attention(headCount: heads, keyValueHeads: groups, headSize: size)
        func run(_ context: [Attention.KeyValues], _ queries: Range<Int>, threads: Int) -> [Float] {
            let out = Matrix(rows: queries.count, columns: heads * size)
            let computing = ComputeContext(threads: threads, level: level)
            var batch = Attention.Batch(runs: 1, stretches: context.count, in: computing.workspace)
            for stretch in context.dropLast() { batch.addContext(stretch) }
            batch.add(
                queries: q.rows(queries), own: context[context.count - 1],
                firstVisible: before + 1 + queries.lowerBound, out: out)
            attention.apply(batch, in: computing)
            return out.values
        }
        let whole = run([.init(keys: keys, values: values)], 0..<rows, threads: 1)
        let stretches = [0..<before, before..<before + rows].map {
            Attention.KeyValues(keys: keys.rows($0), values: values.rows($0))
        }
        #expect(run(stretches, 0..<rows, threads: 5) == whole)
        #expect(
            run(stretches, rows - 1..<rows, threads: 2) == Array(whole.suffix(heads * size)),
            "a row must not depend on its company")
        for row in Set([0, rows / 2, rows - 1]) {
            for head in 0..<heads {
                let first = head / (heads / groups) * size
                let weights = (0...before + row).map { key in
                    var dot = 0.0
                    for i in 0..<size {
                        dot += Double(q[row, head * size + i]) * Double(keys[key, first + i])
                    }
                    return exp(dot / Double(size).squareRoot())
                }
                for i in 0..<size {
                    let sum = weights.indices.reduce(0.0) { $0 + weights[$1] * Double(values[$1, first + i]) }
                    let exact = sum / weights.reduce(0, +)
                    #expect(abs(Double(whole[row * heads * size + head * size + i]) - exact) < 1e-5)
                }
            }
        }
    }
}

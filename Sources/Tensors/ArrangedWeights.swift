import CKernels

/// The weights of one product, rearranged once when they are loaded into panels of 32 outputs that the inner loop
/// reads from front to back. bfloat16 stays bfloat16 and is widened in registers.
public struct ArrangedWeights: Sendable {
    public static let panelOutputs = 32

    public let outputs: Int
    public let inputs: Int
    let isBfloat16: Bool
    /// Memory for panels of `[inputs, 32]` floats, or `[inputs, 16]` pairs of bfloat16.
    private let storage: MatrixStorage

    var panels: Int { Self.panels(outputs) }

    private static func panels(_ outputs: Int) -> Int { (outputs + panelOutputs - 1) / panelOutputs }

    /// The outputs of all `sources` one after the other; they have the same inputs. A mapped source is not needed
    /// in memory any more afterwards.
    public init(_ sources: WeightMatrix...) { self.init(sources) }

    public init(_ sources: [WeightMatrix]) {
        let inputs = sources[0].inputs
        precondition(sources.allSatisfy { $0.inputs == inputs }, "fused layers have the same inputs")
        self.inputs = inputs
        outputs = sources.reduce(0) { $0 + $1.outputs }
        let halves = sources.compactMap(\.halves)
        isBfloat16 = halves.count == sources.count
        let count = Self.panels(outputs) * inputs * Self.panelOutputs
        storage = MatrixStorage(count: isBfloat16 ? count / 2 : count)
        if isBfloat16 {
            var rows: [UnsafePointer<UInt16>?] = []
            for (source, halves) in zip(sources, halves) {
                rows += (0..<source.outputs).map { halves.pointer + $0 * inputs }
            }
            arrange(rows) { kernel_arrange_panel_bf16($0, inputs, words + $1 * inputs * 16) }
            for halves in halves { halves.release() }
        } else {
            let matrices = sources.map(\.widened)
            var rows: [UnsafePointer<Float>?] = []
            for matrix in matrices { rows += (0..<matrix.rows).map { UnsafePointer(matrix.row($0)) } }
            withExtendedLifetime(matrices) {
                arrange(rows) { kernel_arrange_panel_f32($0, inputs, floats + $1 * inputs * 32) }
            }
        }
    }

    /// One output's weights, `[inputs]`.
    public func output(_ index: Int) -> [Float] {
        precondition(index >= 0 && index < outputs, "output out of range")
        let (panel, lane) = (index / Self.panelOutputs, index % Self.panelOutputs)
        return (0..<inputs).map { input in
            guard isBfloat16 else { return floats[(panel * inputs + input) * 32 + lane] }
            let pair = words[(panel * inputs + input) * 16 + lane % 16]
            return Float(bitPattern: lane < 16 ? pair << 16 : pair & 0xFFFF_0000)
        }
    }

    private func arrange<Number>(
        _ rows: [UnsafePointer<Number>?],
        _ body: (_ rows: UnsafePointer<UnsafePointer<Number>?>, _ panel: Int) -> Void
    ) {
        let padded = rows + Array(repeating: nil, count: panels * Self.panelOutputs - rows.count)
        padded.withUnsafeBufferPointer { rows in
            guard let base = rows.baseAddress else { return }
            for panel in 0..<panels { body(base + panel * Self.panelOutputs, panel) }
        }
    }

    var floats: UnsafeMutablePointer<Float> { storage.pointer }

    var words: UnsafeMutablePointer<UInt32> {
        UnsafeMutableRawPointer(storage.pointer).assumingMemoryBound(to: UInt32.self)
    }
}

/// The weights of one axis of an antialiased bicubic resize (Keys 1981, a = -0.5), as Pillow makes them: the
/// support grows with the reduction, weights are normalised and rounded to 22 fractional bits.
struct BicubicTaps {
    static let fractionBits = 22

    /// First input index of each output.
    private(set) var starts: [Int32] = []
    /// How many inputs each output reads.
    private(set) var counts: [Int32] = []
    /// `[outputs, stride]`.
    private(set) var weights: [Int32]
    let stride: Int

    init(from inputs: Int, to outputs: Int) {
        precondition(inputs > 0 && outputs > 0, "an axis has at least one pixel")
        let scale = Double(inputs) / Double(outputs)
        let reduction = max(scale, 1)
        let support = 2 * reduction
        stride = Int(support.rounded(.up)) * 2 + 1
        weights = [Int32](repeating: 0, count: outputs * stride)
        starts.reserveCapacity(outputs)
        counts.reserveCapacity(outputs)
        var exact = [Double](repeating: 0, count: stride)
        for output in 0..<outputs {
            let center = (Double(output) + 0.5) * scale
            let start = max(Int(center - support + 0.5), 0)
            let count = min(Int(center + support + 0.5), inputs) - start
            var sum = 0.0
            for index in 0..<count {
                exact[index] = Self.cubic((Double(index + start) - center + 0.5) * (1 / reduction))
                sum += exact[index]
            }
            for index in 0..<count {
                let scaled = (sum == 0 ? exact[index] : exact[index] / sum) * Double(1 << Self.fractionBits)
                weights[output * stride + index] = Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
            }
            starts.append(Int32(start))
            counts.append(Int32(count))
        }
    }

    private static func cubic(_ distance: Double) -> Double {
        let a = -0.5
        let x = abs(distance)
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
        return 0
    }
}

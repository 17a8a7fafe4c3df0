import Segmentation

extension Mask {
    /// A mask from rows of "0" and "1" (any other character is 1).
    init(rows: [String]) {
        let pixels = rows.flatMap { row in row.utf8.map { $0 == UInt8(ascii: "0") ? UInt8(0) : 1 } }
        self.init(width: rows.first?.utf8.count ?? 0, height: rows.count, pixels: pixels)
    }

    /// Deterministic noise: about `percent` of the pixels inside.
    init(noise seed: UInt64, width: Int, height: Int, percent: UInt64) {
        var state = seed
        let pixels = (0..<width * height).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % 100 < percent ? 1 : 0
        }
        self.init(width: width, height: height, pixels: pixels)
    }
}

import Images
import Testing

@Suite struct OrientationTests {
    /// A 3 x 2 picture whose pixels are numbered; what is shown, row by row (EXIF 2.32, tag 0x0112).
    static let cases: [(orientation: Int, width: Int, shown: [UInt8])] = [
        (0, 3, [1, 2, 3, 4, 5, 6]), (1, 3, [1, 2, 3, 4, 5, 6]), (2, 3, [3, 2, 1, 6, 5, 4]),
        (3, 3, [6, 5, 4, 3, 2, 1]),
        (4, 3, [4, 5, 6, 1, 2, 3]), (5, 2, [1, 4, 2, 5, 3, 6]), (6, 2, [4, 1, 5, 2, 6, 3]),
        (7, 2, [6, 3, 5, 2, 4, 1]),
        (8, 2, [3, 6, 2, 5, 1, 4]), (9, 3, [1, 2, 3, 4, 5, 6]),
    ]

    private func rgb(_ numbers: [UInt8]) -> [UInt8] {
        numbers.flatMap { number -> [UInt8] in [number, number + 10, number + 20] }
    }

    @Test(arguments: cases)
    func everyOrientation(_ orientation: Int, width: Int, shown: [UInt8]) {
        let turned = RGBImage(width: 3, height: 2, pixels: rgb([1, 2, 3, 4, 5, 6])).oriented(orientation)
        #expect(turned.width == width)
        #expect(turned.pixels == rgb(shown))
    }
}

import Images
import Testing

@Suite struct PNGEncoderTests {
    @Test(arguments: [(1, 1), (7, 3), (8, 2), (9, 5), (640, 480), (1, 1000), (1000, 1)])
    func masksComeBack(_ width: Int, _ height: Int) throws {
        let mask = (0..<width * height).map { UInt8(($0 * 7 / 5) % 3 == 0 ? 1 : 0) }
        let shown = mask.flatMap { [UInt8](repeating: $0 * 255, count: 3) }
        let bilevel = try PNGEncoder.encode(mask, width: width, height: height, layout: .bilevel)
        #expect(bilevel[24] == 1 && bilevel[25] == 0)
        #expect(try ImageDecoder.decode(bilevel).image.pixels == shown)
        let grey = try PNGEncoder.encode(mask.map { $0 * 255 }, width: width, height: height, layout: .grey)
        #expect(grey[24] == 8 && grey[25] == 0)
        #expect(try ImageDecoder.decode(grey).image.pixels == shown)
    }

    @Test func picturesComeBack() throws {
        let image = try ImageDecoder.decode(ImageFixtures.bytes("rgb8.png")).image
        #expect(try ImageDecoder.decode(PNGEncoder.encode(image)).image == image)
        let opaque = (0..<image.width * image.height).flatMap { image.pixels[$0 * 3..<$0 * 3 + 3] + [255] }
        let rgba = try PNGEncoder.encode(opaque, width: image.width, height: image.height, layout: .rgba)
        #expect(try ImageDecoder.decode(rgba).image == image)
        let clear = [UInt8](repeating: 0, count: 8)
        let transparent = try PNGEncoder.encode(clear, width: 2, height: 1, layout: .rgba)
        #expect(try ImageDecoder.decode(transparent).image.pixels == [255, 255, 255, 255, 255, 255])
    }

    /// The limit is ten times what one of two busy cores needs.
    @Test func aMaskTakesMilliseconds() throws {
        var mask = [UInt8](repeating: 0, count: 640 * 480)
        for index in mask.indices {
            let (x, y) = (index % 640 - 300, index / 640 - 200)
            if x * x + 2 * y * y < 24_000 { mask[index] = 255 }
        }
        for layout in [PNGEncoder.Layout.grey, .bilevel] {
            var best = Duration.seconds(10)
            var count = 0
            for _ in 0..<10 {
                let time = try ContinuousClock().measure {
                    count = try PNGEncoder.encode(mask, width: 640, height: 480, layout: layout).count
                }
                best = min(best, time)
            }
            print("640 x 480 mask as \(layout) PNG: \(best), \(count) bytes")
            #expect(best < .milliseconds(20))
        }
    }
}

import FoundationEssentials
import Images
import Testing

@Suite struct BicubicResizeTests {
    /// The picture that `make_fixtures.py` resized by Pillow 11.3: noise with many pixels at 0 and 255.
    private func noise(_ width: Int, _ height: Int) -> RGBImage {
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        for index in pixels.indices {
            let value = UInt8((UInt64(index) &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407) >> 56)
            pixels[index] = value < 60 ? 0 : value > 200 ? 255 : value
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    @Test func equalsPillowInEveryBit() throws {
        struct Case: Decodable {
            var sizes: [Int] = []
            var hash = ""

            init(from decoder: any Decoder) throws {
                var values = try decoder.unkeyedContainer()
                for _ in 0..<4 { sizes.append(try values.decode(Int.self)) }
                hash = try values.decode(String.self)
            }
        }
        let data = try Data(contentsOf: ImageFixtures.directory.appending(path: "bicubic.json"))
        let cases = try JSONDecoder().decode([Case].self, from: data)
        #expect(cases.count >= 70)
        for test in cases {
            let resized = noise(test.sizes[0], test.sizes[1]).resizedBicubic(
                width: test.sizes[2], height: test.sizes[3])
            #expect(ImageFixtures.fnv1a(resized.pixels) == test.hash, "\(test.sizes)")
        }
    }

    @Test func theSameSizeIsTheSamePicture() {
        let image = noise(37, 29)
        #expect(image.resizedBicubic(width: 37, height: 29) == image)
    }

    @Test func aFlatPictureStaysFlat() {
        let image = RGBImage(width: 50, height: 41, pixels: [UInt8](repeating: 77, count: 50 * 41 * 3))
        for (width, height) in [(1, 1), (448, 448), (49, 300)] {
            #expect(image.resizedBicubic(width: width, height: height).pixels.allSatisfy { $0 == 77 })
        }
    }

    /// The limit is ten times what one of two busy cores needs.
    @Test func aPhotoSizedPictureTakesMilliseconds() {
        let image = noise(640, 480)
        var best = Duration.seconds(10)
        for _ in 0..<10 {
            best = min(best, ContinuousClock().measure { _ = image.resizedBicubic(width: 448, height: 448) })
        }
        print("640 x 480 -> 448 x 448 bicubic: \(best)")
        #expect(best < .milliseconds(80))
    }
}

import CZlib
import Images
import Testing

/// Each limit at N and N + 1, and pictures that claim more than they hold.
@Suite struct ImageLimitsTests {
    private func limits(_ change: (inout ImageLimits) -> Void) -> ImageLimits {
        var limits = ImageLimits()
        change(&limits)
        return limits
    }

    /// Fixtures are 37 x 29.
    @Test(arguments: [
        "444.jpg", "progressive.jpg", "rgb8.png", "rgba8_interlaced.png", "lossy.webp", "animated.webp",
    ])
    func dimensionsAndPixels(_ name: String) throws {
        let bytes = try ImageFixtures.bytes(name)
        #expect(throws: Never.self) {
            try ImageDecoder.decode(bytes, limits: limits { $0.maximumDimension = 37 })
        }
        #expect(throws: ImageError.tooLarge(width: 37, height: 29, limit: 36)) {
            try ImageDecoder.decode(bytes, limits: limits { $0.maximumDimension = 36 })
        }
        #expect(throws: Never.self) {
            try ImageDecoder.decode(bytes, limits: limits { $0.maximumPixels = 37 * 29 })
        }
        let fewer = limits { $0.maximumPixels = 37 * 29 - 1 }
        #expect(throws: ImageError.tooManyPixels(width: 37, height: 29, limit: 37 * 29 - 1)) {
            try ImageDecoder.inspect(bytes, limits: fewer)
        }
        #expect(throws: Never.self) {
            try ImageDecoder.decode(bytes, limits: limits { $0.maximumBytes = bytes.count })
        }
        #expect(throws: ImageError.tooManyBytes(bytes: bytes.count, limit: bytes.count - 1)) {
            try ImageDecoder.decode(bytes, limits: limits { $0.maximumBytes = bytes.count - 1 })
        }
    }

    @Test func scans() throws {
        let bytes = try ImageFixtures.bytes("progressive.jpg")
        #expect(throws: Never.self) {
            try ImageDecoder.decode(bytes, limits: limits { $0.maximumScans = 10 })
        }
        #expect(throws: ImageError.tooManyScans(scans: 10, limit: 9)) {
            try ImageDecoder.decode(bytes, limits: limits { $0.maximumScans = 9 })
        }
        let exactly = limits { $0.maximumScanPixels = 10 * 37 * 29 }
        #expect(throws: Never.self) { try ImageDecoder.decode(bytes, limits: exactly) }
        let fewer = limits { $0.maximumScanPixels = 10 * 37 * 29 - 1 }
        #expect(throws: ImageError.tooManyScans(scans: 10, limit: 9)) {
            try ImageDecoder.decode(bytes, limits: fewer)
        }
    }

    /// Thousands of scans of nothing: refused by counting markers.
    @Test func scanBomb() throws {
        var bytes = try ImageFixtures.bytes("progressive.jpg")
        let scan: [UInt8] = [0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 1, 0, 0]
        bytes.insert(contentsOf: Array(repeatElement(scan, count: 100_000).joined()), at: bytes.count - 2)
        let clock = ContinuousClock()
        let time = clock.measure {
            #expect(throws: ImageError.tooManyScans(scans: 101, limit: 100)) {
                try ImageDecoder.decode(bytes)
            }
        }
        #expect(time < .milliseconds(100))
    }

    /// Scans before any frame, and none at all.
    @Test func scansWithoutAFrame() {
        let scan: [UInt8] = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]
        for count in [0, 1, 100, 101, 5000] {
            let bytes: [UInt8] = [0xFF, 0xD8] + repeatElement(scan, count: count).joined() + [0xFF, 0xD9]
            #expect(throws: ImageError.self) { try ImageDecoder.decode(bytes) }
        }
    }

    /// Within the limits but with next to no data: refused before anything is decoded.
    @Test(arguments: ["444.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg"])
    func fewBytesForManyPixels(_ name: String) throws {
        var jpeg = try ImageFixtures.bytes(name)
        let frame = try #require(
            jpeg.indices.first { jpeg[$0] == 0xFF && [0xC0, 0xC2].contains(jpeg[$0 + 1]) })
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0x18, 0, 0x18, 0])
        let time = ContinuousClock().measure {
            #expect(throws: ImageError.corrupt(.jpeg, reason: "too few bytes for 6144 x 6144 pixels")) {
                try ImageDecoder.decode(jpeg)
            }
        }
        #expect(time < .milliseconds(100))
    }

    /// A header that claims a huge picture costs nothing: no pixel is allocated before the check.
    @Test func declaredSizes() throws {
        var png = try ImageFixtures.bytes("rgb8.png")
        png.replaceSubrange(16..<24, with: [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF])
        #expect(throws: ImageError.tooLarge(width: 0x7FFF_FFFF, height: 0x7FFF_FFFF, limit: 16_384)) {
            try ImageDecoder.decode(png)
        }
        png.replaceSubrange(16..<24, with: [0, 0, 0x40, 0, 0, 0, 0x40, 0])
        #expect(throws: ImageError.tooManyPixels(width: 16_384, height: 16_384, limit: 40_000_000)) {
            try ImageDecoder.decode(png)
        }
        png.replaceSubrange(16..<24, with: [0, 0, 0, 0, 0, 0, 0, 1])
        #expect(throws: ImageError.corrupt(.png, reason: "its size is 0 x 1")) {
            try ImageDecoder.decode(png)
        }

        var jpeg = try ImageFixtures.bytes("444.jpg")
        let frame = try #require(jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: ImageError.tooLarge(width: 65_535, height: 65_535, limit: 16_384)) {
            try ImageDecoder.decode(jpeg)
        }
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0, 0, 0, 1])
        #expect(throws: ImageError.unsupportedFeature(.jpeg, feature: "a height given after the picture")) {
            try ImageDecoder.decode(jpeg)
        }
        jpeg.replaceSubrange(frame + 4..<frame + 9, with: [12, 0, 1, 0, 1])
        #expect(throws: ImageError.unsupportedFeature(.jpeg, feature: "12-bit samples")) {
            try ImageDecoder.decode(jpeg)
        }
    }

    /// A hundred megabytes of zeros behind the one pixel, packed to a tenth of a megabyte: nobody unpacks them.
    @Test func moreDataThanPixels() throws {
        // The start of what zlib makes of nothing but zeros; from there on each zero byte stands for a thousand.
        let packed: [UInt8] =
            [0x78, 0xDA, 0xEC, 0xC1, 1, 1, 0, 0, 0, 0x80, 0x90, 0xFE, 0xAF, 0xEE, 8, 0x0A]
            + [UInt8](repeating: 0, count: 100_000)
        var png = try Array(ImageFixtures.bytes("rgb8_1x1.png").prefix(33))
        png += chunk("IDAT", packed) + chunk("IEND", [])
        let time = ContinuousClock().measure {
            #expect(throws: ImageError.corrupt(.png, reason: "more data than pixels")) {
                try ImageDecoder.decode(png)
            }
        }
        #expect(time < .milliseconds(100))
    }

    private func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        func bigEndian(_ value: Int) -> [UInt8] {
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
        }
        let named = Array(name.utf8) + data
        return bigEndian(data.count) + named + bigEndian(Int(crc32(0, named, UInt32(named.count))))
    }

    /// Whatever libpng looks at last: a wrong bit in any critical chunk is found.
    @Test func everyChangedByteOfCriticalChunksIsRefused() throws {
        let bytes = try ImageFixtures.bytes("rgb8_23x1.png")
        for index in 8..<bytes.count {
            var changed = bytes
            changed[index] ^= 1
            #expect(throws: ImageError.self, "byte \(index)") { try ImageDecoder.decode(changed) }
        }
    }
}

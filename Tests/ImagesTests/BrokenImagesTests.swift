import Images
import Testing

/// Bytes that are no whole picture: always a typed error or a picture of the declared size, never a trap.
@Suite struct BrokenImagesTests {
    /// A truncated file is refused at every length.
    @Test(arguments: ImageFixtures.names)
    func truncatedAtEveryOffset(_ name: String) throws {
        let bytes = try ImageFixtures.bytes(name)
        var accepted: [Int] = []
        for length in 0..<bytes.count where (try? ImageDecoder.decode(Array(bytes[..<length]))) != nil {
            accepted.append(length)
        }
        #expect(accepted.isEmpty, "accepted when cut at \(accepted)")
    }

    @Test func truncationIsSaidToBeTruncation() throws {
        for (name, format) in [("444.jpg", ImageFormat.jpeg), ("rgb8.png", .png), ("lossy.webp", .webp)] {
            let bytes = try ImageFixtures.bytes(name)
            for length in [bytes.count / 2, bytes.count - 1] {
                #expect(throws: ImageError.truncated(format)) {
                    try ImageDecoder.decode(Array(bytes[..<length]))
                }
            }
        }
    }

    /// A scan that is cut short and closed by an end marker is damaged, not truncated.
    @Test func entropyCodedDataThatEndsEarly() throws {
        let bytes = try ImageFixtures.bytes("444.jpg")
        let damaged = Array(bytes[..<(bytes.count - 200)]) + [0xFF, 0xD9]
        #expect {
            try ImageDecoder.decode(damaged)
        } throws: { error in
            guard case .corrupt(.jpeg, _) = error as? ImageError else { return false }
            return true
        }
    }

    /// Stray bytes between segments harm nobody.
    @Test func harmlessOddities() throws {
        var bytes = try ImageFixtures.bytes("444.jpg")
        bytes.insert(contentsOf: [0xFF, 0xFF, 0xFF], at: 2)
        bytes += [1, 2, 3]
        let plain = try ImageDecoder.decode(ImageFixtures.bytes("444.jpg"))
        #expect(try ImageDecoder.decode(bytes) == plain)
    }

    /// A fixed generator, so that a failure can be repeated.
    struct SplitMix64: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }

    /// Thousands of mutations of every fixture: flipped bits, changed, removed and repeated bytes.
    @Test(arguments: ImageFixtures.names)
    func mutations(_ name: String) throws {
        let original = try ImageFixtures.bytes(name)
        var limits = ImageLimits()
        // A mutated header may ask for much, and that's slow rather than wrong.
        limits.maximumPixels = 1 << 16
        var generator = SplitMix64(state: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
        var decoded = 0
        for _ in 0..<400 {
            var bytes = original
            for _ in 0...Int.random(in: 0..<4, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 2: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][Int.random(in: 0..<5, using: &generator)]
                case 3: bytes.removeSubrange(at..<min(at + 3, bytes.count - 1))
                default: bytes.insert(contentsOf: bytes[at...].prefix(16), at: at)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            guard let header = try? ImageDecoder.inspect(bytes, limits: limits) else { continue }
            guard let picture = try? ImageDecoder.decode(bytes, limits: limits).image else { continue }
            decoded += 1
            #expect(picture.width == header.displayedWidth && picture.height == header.displayedHeight)
        }
        #expect(decoded < 400)
    }
}

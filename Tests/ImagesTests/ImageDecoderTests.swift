import Images
import Testing

@Suite struct ImageDecoderTests {
    @Test func thereAreFixturesOfEveryFormat() {
        for suffix in [".jpg", ".png", ".webp"] {
            #expect(ImageFixtures.names.filter { $0.hasSuffix(suffix) }.count >= 8)
        }
    }

    @Test(arguments: ImageFixtures.names)
    func decodesEveryVariant(_ name: String) throws {
        let expected = try #require(ImageFixtures.expected[name])
        let bytes = try ImageFixtures.bytes(name)
        let decoded = try ImageDecoder.decode(bytes)
        #expect(decoded.image.width == expected.width)
        #expect(decoded.image.height == expected.height)
        #expect(decoded.exifOrientation == expected.orientation)
        for sample in expected.samples {
            let at = (sample[1] * expected.width + sample[0]) * 3
            let found = decoded.image.pixels[at..<at + 3].map(Int.init)
            let difference = zip(found, sample[2...]).map { abs($0 - $1) }.max() ?? 0
            #expect(difference <= expected.tolerance, "\(sample): \(found)")
        }
        if let hash = expected.hash { #expect(ImageFixtures.fnv1a(decoded.image.pixels) == hash) }
    }

    @Test(arguments: ImageFixtures.names)
    func inspectAgreesWithDecode(_ name: String) throws {
        let bytes = try ImageFixtures.bytes(name)
        let header = try ImageDecoder.inspect(bytes)
        let decoded = try ImageDecoder.decode(bytes)
        #expect(header.displayedWidth == decoded.image.width)
        #expect(header.displayedHeight == decoded.image.height)
        #expect(header.exifOrientation == decoded.exifOrientation)
        #expect(header.format == decoded.format)
    }

    /// The extension says nothing: formats are told by their first bytes.
    @Test func formats() throws {
        #expect(try ImageDecoder.decode(ImageFixtures.bytes("444.jpg")).format == .jpeg)
        #expect(try ImageDecoder.decode(ImageFixtures.bytes("rgb8.png")).format == .png)
        #expect(try ImageDecoder.decode(ImageFixtures.bytes("lossy.webp")).format == .webp)
        #expect(ImageFormat.jpeg.mediaType == "image/jpeg")
    }

    static let others: [(String?, [UInt8])] = [
        ("gif", Array("GIF89a".utf8) + [1, 0, 1, 0, 0, 0, 0]),
        ("bmp", Array("BM".utf8) + [UInt8](repeating: 0, count: 60)),
        ("tiff", [0x49, 0x49, 42, 0, 8, 0, 0, 0]), ("tiff", [0x4D, 0x4D, 0, 42, 0, 0, 0, 8]),
        ("tiff", [0x49, 0x49, 43, 0, 8, 0, 0, 0]),
        ("heic", [0, 0, 0, 24] + Array("ftypheic".utf8)), ("heic", [0, 0, 0, 24] + Array("ftypmif1".utf8)),
        ("avif", [0, 0, 0, 24] + Array("ftypavif".utf8)), ("video", [0, 0, 0, 24] + Array("ftypisom".utf8)),
        ("pdf", Array("%PDF-1.7\n".utf8)), ("psd", Array("8BPS".utf8)),
        ("svg", Array("<svg xmlns=\"http://www.w3.org/2000/svg\"/>".utf8)),
        ("svg", [0xEF, 0xBB, 0xBF] + Array("\n<?xml version=\"1.0\"?><!-- x --><svg></svg>".utf8)),
        ("jpeg xl", [0xFF, 0x0A, 0, 0]), ("jpeg xl", [0, 0, 0, 12] + Array("JXL \r\n".utf8)),
        ("jpeg 2000", [0, 0, 0, 12] + Array("jP  \r\n".utf8)), ("ico", [0, 0, 1, 0, 1, 0]),
        (nil, Array("hello".utf8)), (nil, [0]), (nil, [0xFF]), (nil, [0xFF, 0xD8]), (nil, Array("BM".utf8)),
        (nil, Array("<html>".utf8)), (nil, Array("RIFF\0\0\0\0WAVE".utf8)), (nil, [0x89, 0x50, 0x4E, 0x47]),
    ]

    @Test(arguments: others)
    func otherFormatsAreNamed(_ sniffed: String?, _ bytes: [UInt8]) {
        #expect(throws: ImageError.unsupportedFormat(sniffed: sniffed)) { try ImageDecoder.decode(bytes) }
        #expect(throws: ImageError.unsupportedFormat(sniffed: sniffed)) { try ImageDecoder.inspect(bytes) }
    }

    @Test func emptyBytes() {
        #expect(throws: ImageError.empty) { try ImageDecoder.decode([]) }
    }

    @Test func errorsReadAsSentences() {
        let unsupported = ImageError.unsupportedFormat(sniffed: "gif")
        #expect(unsupported.description == "gif pictures are not supported; send JPEG, PNG or WebP")
        #expect(ImageError.truncated(.png).description == "the png file is truncated")
    }
}

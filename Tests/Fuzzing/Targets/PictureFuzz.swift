import CZlib

#if !FUZZING
    import Images
#endif

/// Whatever a file says of itself, what is decoded has the size that its header was read to have, and no more
/// pixels than allowed.
enum PictureFuzz {
    static func check(_ input: [UInt8]) throws(FuzzFinding) {
        var limits = ImageLimits()
        limits.maximumPixels = 1 << 14
        limits.maximumScans = 12
        let bytes = withChecksumsMended(input)
        guard let header = try? ImageDecoder.inspect(bytes, limits: limits) else {
            try require(
                (try? ImageDecoder.decode(bytes, limits: limits)) == nil, "decoded in spite of its header")
            return
        }
        try require(header.width * header.height <= limits.maximumPixels, "a header beyond the limit")
        guard let decoded = try? ImageDecoder.decode(bytes, limits: limits) else { return }
        let picture = decoded.image
        try require(
            picture.width == header.displayedWidth && picture.height == header.displayedHeight
                && picture.pixels.count == picture.width * picture.height * 3, "not the size of its header")
        try require(
            decoded.exifOrientation == header.exifOrientation && decoded.format == header.format,
            "two readings of one header")
    }

    /// A PNG chunk with a wrong checksum is refused before anything reads it: right ones let the fuzzer in.
    private static func withChecksumsMended(_ input: [UInt8]) -> [UInt8] {
        guard input.starts(with: [0x89, 0x50, 0x4E, 0x47]) else { return input }
        var bytes = input
        var position = 8
        while position + 12 <= bytes.count {
            let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - position - 12 else { break }
            let end = position + 8 + length
            let checksum = bytes[position + 4..<end].withUnsafeBufferPointer {
                crc32(0, $0.baseAddress, UInt32($0.count))
            }
            for index in 0..<4 {
                bytes[end + index] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * UInt(index)))
            }
            position = end + 4
        }
        return bytes
    }
}

/// What a PNG's chunks say before the pixels (PNG specification, third edition, 5 and 11).
struct PNGHeader {
    var width = 0
    var height = 0
    var hasAlpha = false
    var exifOrientation = 1

    static func read(_ view: ByteView) throws(ImageError) -> PNGHeader {
        var header = PNGHeader()
        guard let width = view.bigEndian32(at: 16), let height = view.bigEndian32(at: 20),
            let color = view[25]
        else {
            throw .truncated(.png)
        }
        guard view.bigEndian32(at: 8) == 13, view.matches("IHDR", at: 12) else {
            throw .corrupt(.png, reason: "no header chunk")
        }
        guard 1...0x7FFF_FFFF ~= width, 1...0x7FFF_FFFF ~= height else {
            throw .corrupt(.png, reason: "its size is \(width) x \(height)")
        }
        header.width = width
        header.height = height
        header.hasAlpha = color & 4 != 0
        header.readChunks(view, from: 33)
        return header
    }

    /// Transparency stands before the pixels, EXIF before or after them. A broken chunk ends the walk; the
    /// decoder will say what is wrong with it.
    private mutating func readChunks(_ view: ByteView, from start: Int) {
        var position = start
        while let length = view.bigEndian32(at: position), length <= view.count - position {
            if view.matches("tRNS", at: position + 4) { hasAlpha = true }
            if view.matches("eXIf", at: position + 4) {
                exifOrientation = EXIFOrientation.read(view.slice(position + 8, count: length))
                return
            }
            position += 12 + length
        }
    }
}

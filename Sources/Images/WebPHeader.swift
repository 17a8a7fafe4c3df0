import CWebP

/// What a WebP's RIFF chunks say (RFC 9649, 2).
struct WebPHeader {
    var width = 0
    var height = 0
    var exifOrientation = 1
    /// Of an animation the first frame, which is what is shown: where its chunks lie and where it stands.
    var firstFrame: Frame?

    struct Frame {
        var start: Int
        var count: Int
        var x: Int
        var y: Int
    }

    static func read(_ view: ByteView) throws(ImageError) -> WebPHeader {
        guard let size = view.littleEndian32(at: 4) else { throw .truncated(.webp) }
        guard size + 8 <= view.count else { throw .truncated(.webp) }
        var header = WebPHeader()
        var features = WebPBitstreamFeatures()
        let status = WebPGetFeatures(view.bytes.baseAddress, view.count, &features)
        guard status == VP8_STATUS_OK else { throw WebPDecoder.problem(status) }
        header.width = Int(features.width)
        header.height = Int(features.height)
        header.readChunks(view, end: size + 8)
        if features.has_animation != 0 && header.firstFrame == nil {
            throw .corrupt(.webp, reason: "an animation without a frame")
        }
        return header
    }

    private mutating func readChunks(_ view: ByteView, end: Int) {
        var position = 12
        while position + 8 <= end, let length = view.littleEndian32(at: position + 4) {
            if view.matches("EXIF", at: position) {
                exifOrientation = EXIFOrientation.read(view.slice(position + 8, count: length))
            }
            if view.matches("ANMF", at: position), firstFrame == nil, length > 16,
                let x = view.littleEndian24(at: position + 8), let y = view.littleEndian24(at: position + 11)
            {
                firstFrame = Frame(start: position + 24, count: length - 16, x: 2 * x, y: 2 * y)
            }
            position += 8 + length + length % 2
        }
    }
}

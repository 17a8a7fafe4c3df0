import CImageKernels
import CWebP

/// Decodes WebP by libwebp: lossy, lossless, with alpha; of an animation the first frame.
enum WebPDecoder {
    /// Pixels as stored, `[height, width, 3]`; transparent ones are laid over white.
    static func decode(_ view: ByteView, _ header: WebPHeader) throws(ImageError) -> RGBImage {
        guard let frame = header.firstFrame else { return try decodeStill(view) }
        let part = try decodeStill(view.slice(frame.start, count: frame.count))
        guard frame.x + part.width <= header.width, frame.y + part.height <= header.height else {
            throw .corrupt(.webp, reason: "a frame outside the canvas")
        }
        if part.width == header.width, part.height == header.height { return part }
        var canvas = [UInt8](repeating: 255, count: header.width * header.height * 3)
        for row in 0..<part.height {
            let from = row * part.width * 3
            let to = ((frame.y + row) * header.width + frame.x) * 3
            canvas.replaceSubrange(to..<to + part.width * 3, with: part.pixels[from..<from + part.width * 3])
        }
        return RGBImage(width: header.width, height: header.height, pixels: canvas)
    }

    private static func decodeStill(_ view: ByteView) throws(ImageError) -> RGBImage {
        var config = WebPDecoderConfig()
        guard WebPInitDecoderConfig(&config) != 0 else {
            throw .corrupt(.webp, reason: "the library's version differs from its headers")
        }
        let status = WebPGetFeatures(view.bytes.baseAddress, view.count, &config.input)
        guard status == VP8_STATUS_OK else { throw problem(status) }
        let width = Int(config.input.width)
        let height = Int(config.input.height)
        guard width > 0, height > 0, config.input.has_animation == 0 else {
            throw .corrupt(.webp, reason: "not a frame")
        }
        let hasAlpha = config.input.has_alpha != 0
        let channels = hasAlpha ? 4 : 3
        var decoded = VP8_STATUS_BITSTREAM_ERROR
        var pixels = [UInt8](unsafeUninitializedCapacity: width * height * channels) { buffer, count in
            config.output.colorspace = hasAlpha ? MODE_RGBA : MODE_RGB
            config.output.is_external_memory = 1
            config.output.u.RGBA.rgba = buffer.baseAddress
            config.output.u.RGBA.stride = Int32(width * channels)
            config.output.u.RGBA.size = width * height * channels
            decoded = WebPDecode(view.bytes.baseAddress, view.count, &config)
            count = decoded == VP8_STATUS_OK ? width * height * channels : 0
        }
        guard decoded == VP8_STATUS_OK else { throw problem(decoded) }
        if hasAlpha {
            pixels.withUnsafeMutableBufferPointer { mllmseg_lay_over_white($0.baseAddress, width * height) }
            pixels.removeLast(width * height)
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    static func problem(_ status: VP8StatusCode) -> ImageError {
        switch status {
        case VP8_STATUS_OUT_OF_MEMORY: return .outOfMemory
        case VP8_STATUS_NOT_ENOUGH_DATA, VP8_STATUS_SUSPENDED: return .truncated(.webp)
        case VP8_STATUS_UNSUPPORTED_FEATURE: return .unsupportedFeature(.webp, feature: "an unknown coding")
        default: return .corrupt(.webp, reason: "the bitstream is damaged")
        }
    }
}

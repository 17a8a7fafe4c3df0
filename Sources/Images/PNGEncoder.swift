import CPNG

/// Writes PNG, fast rather than small: a 640 x 480 mask takes a millisecond or two.
public enum PNGEncoder {
    public enum Layout: Sendable {
        /// One byte a pixel, 0 is black and anything else white; 1 bit a pixel in the file.
        case bilevel
        /// One byte a pixel.
        case grey
        /// Three bytes a pixel.
        case rgb
        /// Four bytes a pixel, alpha not premultiplied.
        case rgba

        var bytesPerPixel: Int {
            switch self {
            case .bilevel, .grey: return 1
            case .rgb: return 3
            case .rgba: return 4
            }
        }

        fileprivate var kernelLayout: mllmseg_png_layout {
            switch self {
            case .bilevel: return MLLMSEG_PNG_BILEVEL
            case .grey: return MLLMSEG_PNG_GREY
            case .rgb: return MLLMSEG_PNG_RGB
            case .rgba: return MLLMSEG_PNG_RGBA
            }
        }
    }

    /// `pixels` is `[height, width, bytes per pixel]`.
    public static func encode(
        _ pixels: [UInt8], width: Int, height: Int, layout: Layout
    ) throws(ImageError) -> [UInt8] {
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        precondition(pixels.count == width * height * layout.bytesPerPixel, "pixels must fill the picture")
        var encoded: UnsafeMutablePointer<UInt8>?
        var count = 0
        var message = ""
        var status = MLLMSEG_PNG_FAILED
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MLLMSEG_PNG_MESSAGE_SIZE)) { text in
            status = mllmseg_png_encode(
                pixels, UInt32(width), UInt32(height), layout.kernelLayout, &encoded, &count, text.baseAddress
            )
            if status != MLLMSEG_PNG_OK, let start = text.baseAddress { message = String(cString: start) }
        }
        guard status == MLLMSEG_PNG_OK, let encoded else {
            throw status == MLLMSEG_PNG_OUT_OF_MEMORY ? .outOfMemory : .corrupt(.png, reason: message)
        }
        defer { mllmseg_png_free(encoded) }
        return Array(UnsafeBufferPointer(start: encoded, count: count))
    }

    public static func encode(_ image: RGBImage) throws(ImageError) -> [UInt8] {
        try encode(image.pixels, width: image.width, height: image.height, layout: .rgb)
    }
}

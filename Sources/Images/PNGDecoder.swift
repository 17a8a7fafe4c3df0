import CImageKernels
import CPNG

/// Decodes PNG by libpng: grey of 1 to 16 bits, palette, RGB, 8 or 16 bits, interlaced or not.
enum PNGDecoder {
    /// Pixels as stored, `[height, width, 3]`; transparent ones are laid over white. Of 16-bit samples the
    /// high 8 bits are kept, as Pillow does.
    static func decode(_ view: ByteView, _ header: PNGHeader) throws(ImageError) -> RGBImage {
        let channels = header.hasAlpha ? 4 : 3
        let count = header.width * header.height
        var status = MLLMSEG_PNG_FAILED
        var message = ""
        var pixels = [UInt8](unsafeUninitializedCapacity: count * channels) { buffer, used in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MLLMSEG_PNG_MESSAGE_SIZE)) { text in
                status = mllmseg_png_decode(
                    view.bytes.baseAddress, view.count, UInt32(header.width), UInt32(header.height),
                    Int32(channels),
                    buffer.baseAddress, text.baseAddress)
                if status != MLLMSEG_PNG_OK, let start = text.baseAddress { message = String(cString: start) }
            }
            used = status == MLLMSEG_PNG_OK ? count * channels : 0
        }
        switch status {
        case MLLMSEG_PNG_OK: break
        case MLLMSEG_PNG_TRUNCATED: throw .truncated(.png)
        case MLLMSEG_PNG_OUT_OF_MEMORY: throw .outOfMemory
        default: throw .corrupt(.png, reason: message)
        }
        if header.hasAlpha {
            pixels.withUnsafeMutableBufferPointer { mllmseg_lay_over_white($0.baseAddress, count) }
            pixels.removeLast(count)
        }
        return RGBImage(width: header.width, height: header.height, pixels: pixels)
    }
}

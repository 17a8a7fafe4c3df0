import CImageKernels
import CTurboJPEG

/// Decodes baseline and progressive JPEG by libjpeg-turbo: grey, YCbCr, RGB, CMYK and YCCK.
enum JPEGDecoder {
    /// Pixels as stored, `[height, width, 3]`. Four components are taken for inverted CMYK, as Adobe's programs
    /// write them (and Pillow and the browsers read them), whether or not an Adobe marker says so.
    static func decode(_ view: ByteView, _ header: JPEGHeader) throws(ImageError) -> RGBImage {
        guard let decompressor = tjInitDecompress() else { throw .outOfMemory }
        defer { tjDestroy(decompressor) }
        try requireSameSize(decompressor, view, header)
        let isCMYK = header.components == 4
        let channels = isCMYK ? 4 : 3
        let stride = header.width * channels
        var status: Int32 = -1
        var pixels = [UInt8](unsafeUninitializedCapacity: stride * header.height) { buffer, count in
            status = tjDecompress2(
                decompressor, view.bytes.baseAddress, UInt(view.count), buffer.baseAddress,
                Int32(header.width),
                Int32(stride), Int32(header.height), Int32((isCMYK ? TJPF_CMYK : TJPF_RGB).rawValue),
                TJFLAG_ACCURATEDCT)
            count = stride * header.height
        }
        if status != 0, let problem = problem(of: decompressor) { throw problem }
        if isCMYK {
            let count = header.width * header.height
            pixels.withUnsafeMutableBufferPointer { mllmseg_adobe_cmyk_to_rgb($0.baseAddress, count) }
            pixels.removeLast(count)
        }
        return RGBImage(width: header.width, height: header.height, pixels: pixels)
    }

    /// The library must see the size that the buffer is made for, else part of it would stay unwritten. It
    /// complains here about sampling factors that it decodes well, so only the size counts.
    private static func requireSameSize(
        _ decompressor: tjhandle, _ view: ByteView, _ header: JPEGHeader
    ) throws(ImageError) {
        var (width, height, subsampling, colors): (Int32, Int32, Int32, Int32) = (-1, -1, -1, -1)
        let status = tjDecompressHeader3(
            decompressor, view.bytes.baseAddress, UInt(view.count), &width, &height, &subsampling, &colors)
        guard Int(width) == header.width, Int(height) == header.height else {
            let problem = status == 0 ? nil : problem(of: decompressor)
            throw problem ?? .corrupt(.jpeg, reason: "its headers disagree about its size")
        }
    }

    /// Fatal errors, and warnings that mean lost pixels. Other warnings (stray bytes between markers, an odd
    /// JFIF version, the scan parameters of some cameras) leave the picture whole; they are let pass.
    private static func problem(of decompressor: tjhandle) -> ImageError? {
        let reason = tjGetErrorStr2(decompressor).map { String(cString: $0) } ?? "unknown error"
        if reason.contains("Premature end of JPEG file") { return .truncated(.jpeg) }
        if tjGetErrorCode(decompressor) == Int32(TJERR_WARNING.rawValue) {
            let damages = [
                "premature end of data segment", "bad Huffman code", "bad arithmetic code",
                "bogus progression",
            ]
            guard damages.contains(where: reason.contains) else { return nil }
        }
        if reason.contains("Memory allocation failure") || reason.contains("Insufficient memory") {
            return .outOfMemory
        }
        return .corrupt(.jpeg, reason: reason)
    }
}

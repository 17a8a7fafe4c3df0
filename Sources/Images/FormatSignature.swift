/// Tells formats by their first bytes; names and extensions are never trusted.
enum FormatSignature {
    static func format(of view: ByteView) throws(ImageError) -> ImageFormat {
        if view.count == 0 { throw .empty }
        if view[0] == 0x89, view.matches("PNG\r\n\u{1A}\n", at: 1) { return .png }
        if view[0] == 0xFF, view[1] == 0xD8, view[2] == 0xFF { return .jpeg }
        if view.matches("RIFF", at: 0), view.matches("WEBP", at: 8) { return .webp }
        throw .unsupportedFormat(sniffed: otherFormat(view))
    }

    private static func otherFormat(_ view: ByteView) -> String? {
        if view.matches("GIF8", at: 0) { return "gif" }
        if view.matches("II*\0", at: 0) || view.matches("MM\0*", at: 0) { return "tiff" }
        if view.matches("II+\0", at: 0) || view.matches("MM\0+", at: 0) { return "tiff" }
        if view.matches("ftyp", at: 4) { return isoBrand(view) }
        if view.matches("%PDF", at: 0) { return "pdf" }
        if view.matches("8BPS", at: 0) { return "psd" }
        if view.matches("JXL ", at: 4) || (view[0] == 0xFF && view[1] == 0x0A) { return "jpeg xl" }
        if view.matches("jP  ", at: 4) || (view[0] == 0xFF && view[1] == 0x4F && view[2] == 0xFF) {
            return "jpeg 2000"
        }
        if view.matches("\0\0\u{1}\0", at: 0) { return "ico" }
        if view.matches("BM", at: 0), view.count >= 26 { return "bmp" }
        if looksLikeSVG(view) { return "svg" }
        return nil
    }

    /// ISO base media files (ISO/IEC 14496-12) name their kind in the major brand.
    private static func isoBrand(_ view: ByteView) -> String? {
        if view.matches("avi", at: 8) { return "avif" }
        for brand: StaticString in ["hei", "hev", "mif1", "msf1"] where view.matches(brand, at: 8) {
            return "heic"
        }
        return "video"
    }

    /// An `<svg` among the first bytes of a text that starts like XML.
    private static func looksLikeSVG(_ view: ByteView) -> Bool {
        var start = view.matches("\u{FEFF}", at: 0) ? 3 : 0
        while let byte = view[start], [0x20, 0x09, 0x0A, 0x0D].contains(byte) { start += 1 }
        guard view[start] == UInt8(ascii: "<") else { return false }
        return (start..<min(view.count, start + 1024)).contains { view.matches("<svg", at: $0) }
    }
}

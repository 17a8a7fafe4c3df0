/// Reads the orientation from an EXIF block: a TIFF header and its first directory (EXIF 2.32, 4.6.4; TIFF 6.0).
enum EXIFOrientation {
    private static let orientationTag = 0x0112
    private static let short = 3

    /// 1...8; 1 when the block is broken, lacks the tag or holds another value.
    static func read(_ block: ByteView) -> Int {
        let start = block.matches("Exif\0\0", at: 0) ? 6 : 0
        let tiff = block.slice(start, count: block.count - start)
        let littleEndian = tiff.matches("II*\0", at: 0)
        guard littleEndian || tiff.matches("MM\0*", at: 0) else { return 1 }
        func unsigned(_ index: Int, _ count: Int) -> Int? {
            tiff.unsigned(at: index, count: count, littleEndian: littleEndian)
        }
        guard let directory = unsigned(4, 4), let entries = unsigned(directory, 2) else { return 1 }
        for entry in 0..<entries {
            let at = directory + 2 + entry * 12
            guard let tag = unsigned(at, 2) else { return 1 }
            guard tag == orientationTag else { continue }
            guard unsigned(at + 2, 2) == short, let value = unsigned(at + 8, 2), 1...8 ~= value else {
                return 1
            }
            return value
        }
        return 1
    }
}

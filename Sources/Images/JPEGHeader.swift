import Glibc

/// What a JPEG's markers say (ITU-T T.81, annex B), found without decoding.
struct JPEGHeader {
    var width = 0
    var height = 0
    var components = 0
    var scans = 0
    /// The least that the pixels can take: a bit for each coefficient block, two where a block's DC and AC parts
    /// are both in the one scan. 0 for arithmetic coding, which may take less.
    private var leastBits = 0
    var exifOrientation = 1

    /// Walks the markers from SOI to EOI. `maximumScans`: stops counting beyond it.
    static func read(_ view: ByteView, maximumScans: Int) throws(ImageError) -> JPEGHeader {
        var header = JPEGHeader()
        var position = 2
        var hasEXIF = false
        while true {
            guard let marker = nextMarker(view, &position) else { throw .truncated(.jpeg) }
            if marker == 0xD9 { break }
            guard let length = view.bigEndian16(at: position) else { throw .truncated(.jpeg) }
            guard length >= 2 else {
                throw .corrupt(.jpeg, reason: "a marker segment is shorter than its length")
            }
            let segment = view.slice(position + 2, count: length - 2)
            guard segment.count == length - 2 else { throw .truncated(.jpeg) }
            position += length
            switch marker {
            case 0xC0...0xCF where ![0xC4, 0xC8, 0xCC].contains(marker):
                try header.readFrame(marker, segment)
            case 0xE1 where !hasEXIF && segment.matches("Exif\0\0", at: 0):
                hasEXIF = true
                header.exifOrientation = EXIFOrientation.read(segment)
            case 0xDA:
                header.scans += 1
                if header.scans > maximumScans { return header }
            default: break
            }
        }
        guard header.components > 0 else { throw .corrupt(.jpeg, reason: "no frame header") }
        guard header.scans > 0 else { throw .corrupt(.jpeg, reason: "no scan") }
        return header
    }

    /// A few bytes that claim forty megapixels would cost as much as a real picture does, for grey.
    func requireEnoughBytes(_ count: Int) throws(ImageError) {
        guard count * 8 >= leastBits else {
            throw .corrupt(.jpeg, reason: "too few bytes for \(width) x \(height) pixels")
        }
    }

    private mutating func readFrame(_ marker: UInt8, _ segment: ByteView) throws(ImageError) {
        switch marker {
        case 0xC0...0xC2, 0xC9, 0xCA: break
        case 0xC3, 0xCB: throw .unsupportedFeature(.jpeg, feature: "lossless coding")
        default: throw .unsupportedFeature(.jpeg, feature: "hierarchical coding")
        }
        guard components == 0 else { throw .corrupt(.jpeg, reason: "two frame headers") }
        guard let precision = segment[0], let height = segment.bigEndian16(at: 1),
            let width = segment.bigEndian16(at: 3), let components = segment[5]
        else { throw .corrupt(.jpeg, reason: "the frame header is too short") }
        guard precision == 8 else { throw .unsupportedFeature(.jpeg, feature: "\(precision)-bit samples") }
        guard height > 0 else {
            throw .unsupportedFeature(.jpeg, feature: "a height given after the picture")
        }
        guard width > 0 else { throw .corrupt(.jpeg, reason: "its width is 0") }
        guard [1, 3, 4].contains(components) else {
            throw .unsupportedFeature(.jpeg, feature: "\(components) components")
        }
        self.width = width
        self.height = height
        self.components = Int(components)
        let blocks = try countBlocks(segment)
        leastBits = marker >= 0xC9 ? 0 : marker == 0xC2 ? blocks : 2 * blocks
    }

    /// 8 x 8 blocks of all components, each sampled by its own factors (A.1.1).
    private func countBlocks(_ frame: ByteView) throws(ImageError) -> Int {
        var factors: [(horizontal: Int, vertical: Int)] = []
        for index in 0..<components {
            guard let byte = frame[7 + 3 * index], 1...4 ~= byte >> 4, 1...4 ~= byte & 15 else {
                throw .corrupt(.jpeg, reason: "bad sampling factors")
            }
            factors.append((Int(byte >> 4), Int(byte & 15)))
        }
        let widest = factors.map(\.horizontal).max() ?? 1
        let tallest = factors.map(\.vertical).max() ?? 1
        func blocks(_ size: Int, _ factor: Int, _ largest: Int) -> Int {
            ((size * factor + largest - 1) / largest + 7) / 8
        }
        return factors.reduce(0) {
            $0 + blocks(width, $1.horizontal, widest) * blocks(height, $1.vertical, tallest)
        }
    }

    /// The next marker that has a meaning here; `position` is left behind it. Entropy-coded data, stuffed
    /// zeros, fill bytes and restart markers are passed over.
    private static func nextMarker(_ view: ByteView, _ position: inout Int) -> UInt8? {
        guard let base = view.bytes.baseAddress else { return nil }
        while position < view.count {
            guard let found = memchr(base + position, 0xFF, view.count - position) else { return nil }
            position = base.distance(to: found.assumingMemoryBound(to: UInt8.self)) + 1
            guard let code = view[position] else { return nil }
            if code == 0xFF { continue }  // a fill byte: the marker may start here
            position += 1
            switch code {
            case 0x00, 0x01, 0xD0...0xD8: continue
            default: return code
            }
        }
        return nil
    }
}

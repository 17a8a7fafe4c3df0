/// COCO's run-length encoding of a mask: lengths of alternating runs of 0 and 1, zeros first, read column
/// by column. Format and compressed form as in cocoapi's `common/maskApi.c`.
public struct COCORunLength: Sendable, Equatable {
    public let height: Int
    public let width: Int
    /// Run lengths; their sum is `height * width`. Uncompressed COCO JSON carries exactly this list.
    public let counts: [Int]

    /// COCO's `size`: `[height, width]`.
    public var size: [Int] { [height, width] }

    public init(_ mask: Mask) {
        height = mask.height
        width = mask.width
        counts = Self.runs(of: mask)
    }

    public init(height: Int, width: Int, counts: [Int]) throws(COCORunLengthError) {
        guard height >= 0, width >= 0 else { throw .badSize }
        let (pixels, overflow) = height.multipliedReportingOverflow(by: width)
        guard !overflow else { throw .badSize }
        var sum = 0
        for count in counts {
            guard count >= 0, count <= pixels - sum else { throw .wrongTotal }
            sum += count
        }
        guard sum == pixels else { throw .wrongTotal }
        self.height = height
        self.width = width
        self.counts = counts
    }

    /// The mask that the runs describe.
    public var mask: Mask {
        var pixels = [UInt8](repeating: 0, count: height * width)
        pixels.withUnsafeMutableBufferPointer { pixels in
            var position = 0
            for (index, count) in counts.enumerated() {
                if index % 2 == 1 {
                    for offset in position..<position + count {
                        pixels[offset % height * width + offset / height] = 1
                    }
                }
                position += count
            }
        }
        return Mask(width: width, height: height, pixels: pixels)
    }

    /// The mask is row-major and the runs are column-major. Reading it down each column would touch a new
    /// cache line for every pixel, so strips of 64 columns are turned first.
    private static func runs(of mask: Mask) -> [Int] {
        let (width, height) = (mask.width, mask.height)
        guard width > 0, height > 0 else { return [0] }
        let strip = 64
        var columns = [UInt8](repeating: 0, count: strip * height)
        var counts: [Int] = []
        var current: UInt8 = 0
        var length = 0
        mask.pixels.withUnsafeBufferPointer { pixels in
            columns.withUnsafeMutableBufferPointer { columns in
                for start in stride(from: 0, to: width, by: strip) {
                    let used = min(strip, width - start)
                    for y in 0..<height {
                        for x in 0..<used {
                            columns[x * height + y] = pixels[y * width + start + x] == 0 ? 0 : 1
                        }
                    }
                    for index in 0..<used * height {
                        if columns[index] != current {
                            counts.append(length)
                            length = 0
                            current = columns[index]
                        }
                        length += 1
                    }
                }
            }
        }
        counts.append(length)
        return counts
    }
}

/// Why a run-length encoding was refused.
public enum COCORunLengthError: Error, Equatable {
    /// Height or width negative, or their product too large.
    case badSize
    /// The runs don't add up to height x width.
    case wrongTotal
    /// A character outside `0`...`o`, or a number that doesn't end or doesn't fit.
    case badCharacter(offset: Int)
}

import Images

/// Draws masks over a picture: the inside tinted, its border in the full colour.
public struct Overlay: Sendable {
    public private(set) var image: RGBImage
    /// Share of the colour inside a mask, 0...255 (115 is 45%).
    private let opacity = 115

    public init(_ image: RGBImage) {
        self.image = image
    }

    /// Colours that stay apart for most kinds of colour vision (Okabe and Ito 2008), strongest first.
    public static let palette: [(red: UInt8, green: UInt8, blue: UInt8)] = [
        (213, 94, 0), (0, 114, 178), (0, 158, 115), (240, 228, 66), (204, 121, 167), (86, 180, 233),
        (230, 159, 0),
    ]

    /// Draws `mask`, which has the picture's size, in the palette's colour number `index` (counted round).
    public mutating func draw(_ mask: Mask, colour index: Int) {
        precondition(mask.width == image.width && mask.height == image.height, "the mask has another size")
        let colour = Self.palette[((index % Self.palette.count) + Self.palette.count) % Self.palette.count]
        let channels = [Int(colour.red), Int(colour.green), Int(colour.blue)]
        let core = mask.eroded(by: max(1, min(mask.width, mask.height) / 240))
        let opacity = opacity
        image.pixels.withUnsafeMutableBufferPointer { pixels in
            for index in mask.pixels.indices where mask.pixels[index] != 0 {
                let strength = core.pixels[index] != 0 ? opacity : 255
                for channel in 0..<3 {
                    let old = Int(pixels[index * 3 + channel])
                    pixels[index * 3 + channel] = UInt8(
                        (old * (255 - strength) + channels[channel] * strength + 127) / 255)
                }
            }
        }
    }
}

extension Mask {
    /// The inside pixels that have no outside pixel within `radius` rows or columns; what lies beyond the
    /// picture counts as inside, so that a mask that is cut off by the picture has no border there.
    func eroded(by radius: Int) -> Mask {
        var rows = self
        for y in 0..<height {
            erodeLine(from: pixels, into: &rows.pixels, start: y * width, step: 1, count: width, radius)
        }
        var result = rows
        for x in 0..<width {
            erodeLine(from: rows.pixels, into: &result.pixels, start: x, step: width, count: height, radius)
        }
        return result
    }

    private func erodeLine(
        from source: [UInt8], into target: inout [UInt8], start: Int, step: Int, count: Int, _ radius: Int
    ) {
        // Position of the last outside pixel seen; then the same from the other end.
        var outside = -radius - 1
        for position in 0..<count {
            if source[start + position * step] == 0 { outside = position }
            if position - outside <= radius { target[start + position * step] = 0 }
        }
        outside = count + radius
        for position in stride(from: count - 1, through: 0, by: -1) {
            if source[start + position * step] == 0 { outside = position }
            if outside - position <= radius { target[start + position * step] = 0 }
        }
    }
}

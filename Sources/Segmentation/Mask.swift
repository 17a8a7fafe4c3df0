/// A binary mask of the picture's own size.
public struct Mask: Sendable, Equatable {
    public let width: Int
    public let height: Int
    /// `[height, width]`, row-major, 1 inside and 0 outside.
    public var pixels: [UInt8]

    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(pixels.count == width * height, "pixels must be height x width")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// A mask with no pixel inside.
    public init(width: Int, height: Int) {
        self.init(width: width, height: height, pixels: [UInt8](repeating: 0, count: width * height))
    }

    /// Number of pixels inside.
    public var area: Int {
        pixels.withUnsafeBufferPointer { pixels in
            var sum = 0
            for pixel in pixels where pixel != 0 { sum &+= 1 }
            return sum
        }
    }

    /// Adds every pixel that is inside `other`, a mask of the same size.
    public mutating func formUnion(_ other: Mask) {
        precondition(width == other.width && height == other.height, "a union needs masks of one size")
        pixels.withUnsafeMutableBufferPointer { mine in
            other.pixels.withUnsafeBufferPointer { theirs in
                for index in mine.indices where theirs[index] != 0 { mine[index] = 1 }
            }
        }
    }

    public func union(_ other: Mask) -> Mask {
        var result = self
        result.formUnion(other)
        return result
    }
}

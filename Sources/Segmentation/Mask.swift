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
}

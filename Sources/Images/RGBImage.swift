/// An 8-bit RGB picture held by value, as shown to a person (EXIF orientation already applied).
public struct RGBImage: Sendable, Equatable {
    /// Columns, at least 1.
    public let width: Int
    /// Rows, at least 1.
    public let height: Int
    /// `[height, width, 3]`, row-major, red green blue.
    public var pixels: [UInt8]

    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        precondition(pixels.count == width * height * 3, "pixels must be height x width x 3")
        self.width = width
        self.height = height
        self.pixels = pixels
    }
}

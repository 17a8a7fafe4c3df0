/// What a picture may ask for. All of it is known from the file's headers, before pixels are decoded.
public struct ImageLimits: Sendable, Equatable {
    /// Encoded bytes.
    public var maximumBytes = 64 << 20
    /// Width times height.
    public var maximumPixels = 40_000_000
    /// Width and height, each, in pixels.
    public var maximumDimension = 16_384
    /// Scans of a JPEG. An encoder writes about ten; each costs a pass over all coefficients, however few
    /// bytes it has.
    public var maximumScans = 100
    /// Scans times pixels of a JPEG: ten scans of the largest picture.
    public var maximumScanPixels = 400_000_000

    public init() {}
}

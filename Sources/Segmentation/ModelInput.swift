import Images

/// A picture as the model sees it. Making one takes processor time, so it is made before the picture waits for the
/// model, not while the model waits for it.
public struct ModelInput: Sendable {
    /// Width and height.
    public let side: Int
    /// `[side, side, 3]`, row-major, red green blue.
    public let pixels: [UInt8]
    /// SHA-256 of the pixels: equal for equal inputs, whatever file they came from.
    public let digest: [UInt8]

    public init(of image: RGBImage, side: Int) {
        self.side = side
        pixels = image.resizedBicubic(width: side, height: side).pixels
        digest = SHA256.digest(of: pixels)
    }
}

/// What a picture's headers say of it.
public struct ImageHeader: Sendable, Equatable {
    public var format: ImageFormat
    /// As stored, before orientation is applied, in pixels.
    public var width: Int
    public var height: Int
    /// EXIF orientation 1...8; 1 where the file has none or its EXIF is broken.
    public var exifOrientation: Int

    /// Size as shown to a person.
    public var displayedWidth: Int { exifOrientation >= 5 ? height : width }
    public var displayedHeight: Int { exifOrientation >= 5 ? width : height }
}

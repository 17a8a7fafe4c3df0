/// The picture formats that are read.
public enum ImageFormat: String, Sendable, CaseIterable {
    case jpeg, png, webp

    public var mediaType: String { "image/" + rawValue }
}

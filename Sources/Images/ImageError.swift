/// Why a picture isn't accepted.
public enum ImageError: Error, Equatable, Sendable {
    case empty
    /// Not JPEG, PNG or WebP. `sniffed` is what the first bytes look like ("gif", "heic", "pdf"), nil when unknown.
    case unsupportedFormat(sniffed: String?)
    /// One of our formats, in a variant that isn't read ("12-bit samples").
    case unsupportedFeature(ImageFormat, feature: String)
    case tooManyBytes(bytes: Int, limit: Int)
    /// Width or height is more than `limit`.
    case tooLarge(width: Int, height: Int, limit: Int)
    case tooManyPixels(width: Int, height: Int, limit: Int)
    case tooManyScans(scans: Int, limit: Int)
    /// The file ends before the picture does. It is refused rather than filled up with grey: a mask over pixels
    /// that nobody sent would look like an answer.
    case truncated(ImageFormat)
    /// `reason` is the decoder's, in its words.
    case corrupt(ImageFormat, reason: String)
    case outOfMemory
}

extension ImageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty: return "the picture is empty"
        case .unsupportedFormat(let sniffed?):
            return "\(sniffed) pictures are not supported; send JPEG, PNG or WebP"
        case .unsupportedFormat(nil): return "not a picture in a format we read; send JPEG, PNG or WebP"
        case .unsupportedFeature(let format, let feature):
            return "\(format.rawValue) with \(feature) is not supported"
        case .tooManyBytes(let bytes, let limit): return "the picture has \(bytes) bytes, more than \(limit)"
        case .tooLarge(let width, let height, let limit):
            return "the picture is \(width) x \(height), more than \(limit) on a side"
        case .tooManyPixels(let width, let height, let limit):
            return "the picture is \(width) x \(height), more than \(limit) pixels"
        case .tooManyScans(let scans, let limit): return "the JPEG has \(scans) scans, more than \(limit)"
        case .truncated(let format): return "the \(format.rawValue) file is truncated"
        case .corrupt(let format, let reason): return "the \(format.rawValue) file is corrupt: \(reason)"
        case .outOfMemory: return "not enough memory for the picture"
        }
    }
}

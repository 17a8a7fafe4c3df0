/// A decoded picture and what its file said of it.
public struct DecodedImage: Sendable, Equatable {
    /// As shown: `exifOrientation` is applied, transparency laid over white.
    public var image: RGBImage
    public var exifOrientation: Int
    public var format: ImageFormat
}

/// Pictures from bytes. The format is told by the first bytes; every limit is checked before pixels are decoded.
public enum ImageDecoder {
    /// Format and size from the headers alone, within `limits`.
    public static func inspect(
        _ bytes: [UInt8], limits: ImageLimits = ImageLimits()
    ) throws(ImageError) -> ImageHeader {
        try bytes.withUnsafeBufferPointer { (buffer) throws(ImageError) in
            try read(ByteView(buffer), limits).header
        }
    }

    /// The whole picture as shown, `[height, width, 3]`. Colour profiles aren't applied, as the models' own
    /// preprocessing (Pillow's `convert("RGB")`) doesn't; grey becomes three equal channels.
    public static func decode(
        _ bytes: [UInt8], limits: ImageLimits = ImageLimits()
    ) throws(ImageError) -> DecodedImage {
        try bytes.withUnsafeBufferPointer { (buffer) throws(ImageError) in
            try decode(buffer, limits: limits)
        }
    }

    public static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: ImageLimits = ImageLimits()
    ) throws(ImageError) -> DecodedImage {
        let (header, decodePixels) = try read(ByteView(bytes), limits)
        let stored = try decodePixels()
        return DecodedImage(
            image: stored.oriented(header.exifOrientation), exifOrientation: header.exifOrientation,
            format: header.format)
    }

    private typealias PixelDecoder = () throws(ImageError) -> RGBImage

    private static func read(
        _ view: ByteView, _ limits: ImageLimits
    ) throws(ImageError) -> (header: ImageHeader, decodePixels: PixelDecoder) {
        guard view.count <= limits.maximumBytes else {
            throw .tooManyBytes(bytes: view.count, limit: limits.maximumBytes)
        }
        let format = try FormatSignature.format(of: view)
        switch format {
        case .jpeg:
            let jpeg = try JPEGHeader.read(view, maximumScans: limits.maximumScans)
            let header = ImageHeader(
                format: format, width: jpeg.width, height: jpeg.height, exifOrientation: jpeg.exifOrientation)
            try check(header, limits)
            try check(jpeg, limits)
            try jpeg.requireEnoughBytes(view.count)
            return (header, { () throws(ImageError) in try JPEGDecoder.decode(view, jpeg) })
        case .png:
            let png = try PNGHeader.read(view)
            let header = ImageHeader(
                format: format, width: png.width, height: png.height, exifOrientation: png.exifOrientation)
            try check(header, limits)
            return (header, { () throws(ImageError) in try PNGDecoder.decode(view, png) })
        case .webp:
            let webp = try WebPHeader.read(view)
            let header = ImageHeader(
                format: format, width: webp.width, height: webp.height, exifOrientation: webp.exifOrientation)
            try check(header, limits)
            return (header, { () throws(ImageError) in try WebPDecoder.decode(view, webp) })
        }
    }

    private static func check(_ header: ImageHeader, _ limits: ImageLimits) throws(ImageError) {
        let (width, height) = (header.width, header.height)
        guard width <= limits.maximumDimension, height <= limits.maximumDimension else {
            throw .tooLarge(width: width, height: height, limit: limits.maximumDimension)
        }
        guard width * height <= limits.maximumPixels else {
            throw .tooManyPixels(width: width, height: height, limit: limits.maximumPixels)
        }
    }

    private static func check(_ jpeg: JPEGHeader, _ limits: ImageLimits) throws(ImageError) {
        guard jpeg.scans <= limits.maximumScans else {
            throw .tooManyScans(scans: jpeg.scans, limit: limits.maximumScans)
        }
        let affordable = limits.maximumScanPixels / (jpeg.width * jpeg.height)
        guard jpeg.scans <= max(affordable, 1) else {
            throw .tooManyScans(scans: jpeg.scans, limit: affordable)
        }
    }
}

import HTTP1
import Images

/// The limits of the HTTP interface, besides those of the protocol itself.
public struct ServiceConfiguration: Sendable {
    /// Bytes of one request's body; 413 beyond.
    public var bodyBytes = 32 << 20
    /// Bounds on forms.
    public var multipart = MultipartLimits()
    /// What a picture may ask for; 413 beyond.
    public var image = ImageLimits()
    /// Expressions in one request; 422 beyond.
    public var expressions = 32
    /// Characters (Unicode code points) of one expression; 422 beyond.
    public var expressionCharacters = 512
    /// The longest that one request may take from its last byte to the model's answer; 504 beyond. A
    /// client's own `deadline_ms` can only shorten it.
    public var requestTimeout = Duration.seconds(60)
    /// Bytes of decoded pictures kept for `image_id`.
    public var pictureStoreBytes = 256 << 20
    /// Where the files lie that Label Studio names; nil: only data: URIs are read.
    public var labelStudioFolder: String?
    /// Pictures decoded or masks encoded at once.
    public var decodeWidth = 2
    /// Pages of these other sites may call the service; nil: none.
    public var crossOrigin: CrossOriginPolicy?
    /// `/metrics` is served on the operators' port only.
    public var hidesMetrics = false
    /// Status of a request that finds the queue full: 429, or 503 for proxies that try elsewhere on that.
    public var overloadStatus = 429
    /// Shown in /health, /openapi.json and `mllmseg_build_info`.
    public var version = "0.1.0"

    public init() {
        image.maximumBytes = bodyBytes
    }
}

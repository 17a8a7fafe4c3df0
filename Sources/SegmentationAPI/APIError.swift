import HTTP1
import Images
import Serving

/// Everything that can be wrong with a request, as facts. `Problem` says what each becomes on the wire.
public enum APIError: Error, Sendable {
    case notFound
    case methodNotAllowed(allow: [String])
    case methodUnknown
    /// No API key was sent, or (`isWrong`) one that isn't known.
    case unauthorized(isWrong: Bool)
    /// The API key has used its allowance up; `retryAfter` in seconds.
    case rateLimited(retryAfter: Double)
    case notAcceptable(offers: [String])
    case unsupportedContentType(allowed: [String])
    case unsupportedContentEncoding(allowed: [String])
    /// The body is larger than this once it is unpacked.
    case unpackedTooLarge(limit: Int)
    case multipart(MultipartError)
    case json(JSONError)
    /// The request can't be read; `detail` says what in plain words.
    case malformed(String)
    /// The body is well-formed but not what is needed there: "an object".
    case wrongType(field: String, expected: String)
    case unknownField(name: String, allowed: [String])
    case repeatedField(name: String)
    /// `allowed`: in words or values, for the person who reads the error.
    case badValue(field: String, allowed: String)
    case missingExpression
    case blankExpression
    case expressionTooLong(characters: Int, limit: Int)
    case tooManyExpressions(limit: Int)
    case missingImage
    case notBase64
    case unknownImage
    /// Another model, or another version, than the one that is served.
    case unknownModel(served: String, version: String)
    case image(ImageError)
    case serving(ServingError)
    /// Refused by the HTTP server itself, before there was a request.
    case refused(status: Int, detail: String)
    case internalError
}

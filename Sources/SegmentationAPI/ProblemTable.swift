import HTTP1
import Images
import Segmentation
import Serving

/// The one table from errors to status codes. Details name what the client sent wrong and what is allowed;
/// they never carry a path, a type's name or the words of an internal error.
extension Problem {
    public init(_ error: APIError) {
        switch error {
        case .notFound:
            self.init("not-found", 404, "there is nothing at this path")
        case .methodNotAllowed(let methods):
            self.init("method-not-allowed", 405, "allowed here: \(Self.list(methods))")
            allow = methods
        case .methodUnknown:
            self.init("method-unknown", 501, "the method is not known")
        case .unauthorized(let isWrong):
            self.init(
                "unauthorized", 401,
                isWrong
                    ? "the API key is not known here"
                    : "an API key is needed, as \"Authorization: Bearer KEY\" or \"X-API-Key: KEY\"")
            // RFC 6750 section 3: no error code when no credentials were sent.
            challenge = "Bearer realm=\"mllmseg\"" + (isWrong ? ", error=\"invalid_token\"" : "")
        case .rateLimited(let retryAfter):
            self.init(
                "rate-limited", 429, "this API key has used its allowance up", retryAfter: retryAfter)
        case .notAcceptable(let offers):
            self.init("not-acceptable", 406, "this resource comes as \(Self.list(offers))")
        case .unsupportedContentType(let allowed):
            self.init("unsupported-content-type", 415, "the Content-Type has to be \(Self.list(allowed))")
        case .unsupportedContentEncoding(let allowed):
            self.init(
                "unsupported-content-encoding", 415, "the Content-Encoding has to be \(Self.list(allowed))")
        case .unpackedTooLarge(let limit):
            self.init("body-too-large", 413, "the body is larger than \(limit) bytes when unpacked")
        case .multipart(let error):
            self.init("malformed-form", error.status, error.detail)
        case .json(let error):
            self.init("malformed-json", 400, Self.detail(error))
        case .malformed(let detail):
            self.init("malformed", 400, detail)
        case .refused(let status, let detail):
            self.init("refused", status, detail, retryAfter: status == 503 ? 1 : nil)
        case .internalError:
            self.init("internal", 500, "the server failed on this request")
        case .image(let error): self.init(error)
        case .serving(let error): self.init(error)
        case .unknownImage:
            self.init("image-unknown", 404, "no picture with this image_id is kept; upload it again")
        case .unknownModel(let served, let version):
            self.init("model-unknown", 404, "the model here is \"\(served)\" in version \(version), no other")
        default: self.init(meaningless: error)
        }
    }

    /// Well-formed but meaningless requests: 422, with the field at fault as a member.
    private init(meaningless error: APIError) {
        let field: String
        switch error {
        case .wrongType(let name, let expected):
            self.init("bad-value", 422, "\(Self.quote(name)) has to be \(expected)")
            field = name
        case .unknownField(let name, let allowed):
            self.init(
                "unknown-field", 422, "there is no field \(Self.quote(name)); there are \(Self.list(allowed))"
            )
            field = name
        case .repeatedField(let name):
            self.init("repeated-field", 422, "\(Self.quote(name)) may be given once")
            field = name
        case .badValue(let name, let allowed):
            self.init("bad-value", 422, "\(Self.quote(name)) has to be \(allowed)")
            field = name
        case .missingExpression:
            self.init("no-expression", 422, "\"expression\" is missing: say what to find")
            field = "expression"
        case .blankExpression:
            self.init("blank-expression", 422, "\"expression\" is blank: say what to find")
            field = "expression"
        case .expressionTooLong(let characters, let limit):
            self.init(
                "expression-too-long", 422,
                "\"expression\" has \(characters) characters; at most \(limit) are taken")
            field = "expression"
        case .tooManyExpressions(let limit):
            // The rest was not read, so there is no count to tell.
            self.init("too-many-expressions", 422, "at most \(limit) expressions are taken in one request")
            field = "expression"
        case .notBase64:
            self.init(
                "not-base64", 422,
                "\"image\" has to be the picture's bytes in base64; pictures are never fetched from a URL")
            field = "image"
        default:
            self.init(
                "no-image", 422,
                "\"image\" is missing: send a JPEG, PNG or WebP file, or the \"image_id\" of an earlier answer"
            )
            field = "image"
        }
        members.append(JSONMember("field", .string(String(field.prefix(64)))))
    }

    private init(_ error: ImageError) {
        let detail = "\(error)"
        switch error {
        case .empty: self.init("no-image", 422, detail)
        case .unsupportedFormat, .unsupportedFeature: self.init("unsupported-image", 415, detail)
        case .tooManyBytes, .tooLarge, .tooManyPixels, .tooManyScans:
            self.init("image-too-large", 413, detail)
        case .truncated, .corrupt: self.init("broken-image", 422, detail)
        case .outOfMemory: self.init("out-of-memory", 503, detail, retryAfter: 5)
        }
    }

    private init(_ error: ServingError) {
        switch error {
        case .queueFull(let waiting, let capacity, let retryAfter):
            self.init("queue-full", 429, "queue \(waiting)/\(capacity)", retryAfter: retryAfter)
        case .picturesTooLarge(_, _, let retryAfter):
            self.init(
                "picture-memory-full", 429, "the pictures that wait fill the memory set aside for them",
                retryAfter: retryAfter)
        case .notReady(.failed):
            self.init("model-failed", 503, "the model could not be loaded")
        case .notReady(let phase):
            self.init("not-ready", 503, "the server is \(phase.name)", retryAfter: 2)
        case .deadlinePassed(.queue, let after):
            self.init(
                "deadline-exceeded", 504,
                "the deadline passed in the queue after \(Self.milliseconds(after)) ms")
        case .deadlinePassed(.compute, let after):
            self.init(
                "deadline-exceeded", 504,
                "the deadline passed in compute after \(Self.milliseconds(after)) ms")
        case .cancelled:
            // Nobody reads this; 499 is what access logs commonly show for it.
            self.init("client-gone", 499, "the client went away")
        case .backendFailed(let error as any UnanswerableRequest):
            self.init("unanswerable", 422, error.description)
        case .backendFailed:
            self.init("model-error", 500, "the model failed on this request")
        }
    }

    private static func detail(_ error: JSONError) -> String {
        switch error {
        case .unexpected(let offset): "the body is not JSON: unexpected byte at offset \(offset)"
        case .truncated: "the body is not JSON: it ends too early"
        case .tooDeep(let limit): "the JSON is nested deeper than \(limit)"
        case .tooManyValues(let limit): "the JSON has more than \(limit) values"
        case .duplicateName(let name): "the JSON names \(quote(name)) twice in one object"
        case .badString(let offset): "the string at offset \(offset) is not Unicode"
        }
    }

    private static func milliseconds(_ seconds: Double) -> Int { Int((min(seconds, 1e6) * 1000).rounded()) }

    private static func list(_ words: [String]) -> String { words.joined(separator: ", ") }

    /// A client's own word, cut to a sensible length.
    private static func quote(_ word: String) -> String { "\"\(word.prefix(64))\"" }
}

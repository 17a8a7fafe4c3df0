/// Why a multipart/form-data body can't be read.
public enum MultipartError: Error, Sendable, Equatable {
    case notMultipart
    case invalidBoundary
    case missingBoundaryLine
    case missingFinalBoundary
    case preambleTooLong(limit: Int)
    case epilogueTooLong(limit: Int)
    case tooManyParts(limit: Int)
    case partHeadersTooLarge(limit: Int)
    case tooManyPartHeaders(limit: Int)
    case malformedPartHeader
    case missingDisposition
    case invalidDisposition
    case missingName
    case unsupportedTransferEncoding

    /// 415 when the body is something else, 413 for a passed limit, 400 otherwise.
    public var status: Int {
        switch self {
        case .notMultipart: 415
        case .preambleTooLong, .epilogueTooLong, .tooManyParts, .partHeadersTooLarge, .tooManyPartHeaders: 413
        default: 400
        }
    }

    /// One plain sentence for the client.
    public var detail: String {
        switch self {
        case .notMultipart: "the content type is not multipart/form-data"
        case .invalidBoundary: "the content type's boundary is missing or not valid"
        case .missingBoundaryLine: "the body has no boundary line"
        case .missingFinalBoundary: "the body ends before its final boundary"
        case .preambleTooLong(let limit): "there are more than \(limit) bytes before the first boundary"
        case .epilogueTooLong(let limit): "there are more than \(limit) bytes after the final boundary"
        case .tooManyParts(let limit): "there are more than \(limit) parts"
        case .partHeadersTooLarge(let limit): "a part's header fields are larger than \(limit) bytes"
        case .tooManyPartHeaders(let limit): "a part has more than \(limit) header fields"
        case .malformedPartHeader: "a part's header field is not valid"
        case .missingDisposition: "a part has no Content-Disposition"
        case .invalidDisposition: "a part's Content-Disposition is not valid"
        case .missingName: "a part has no name"
        case .unsupportedTransferEncoding: "a part has a Content-Transfer-Encoding other than binary"
        }
    }
}

/// What stands before a part's body.
public struct MultipartPartHead: Sendable, Equatable {
    public var name: String
    /// As the client named it: never a path to open.
    public var filename: String?
    public var contentType: String?
    public var headers: HTTPHeaders

    init(_ headers: HTTPHeaders) throws(MultipartError) {
        guard let value = headers["Content-Disposition"] else { throw .missingDisposition }
        guard headers.values("Content-Disposition").count == 1 else { throw .invalidDisposition }
        let disposition = try ContentDisposition(value)
        // RFC 7578 section 4.7: deprecated; only the identity encodings pass.
        if let encoding = headers["Content-Transfer-Encoding"] {
            guard ["7bit", "8bit", "binary"].contains(where: { ByteSyntax.same(encoding.utf8, $0) }) else {
                throw .unsupportedTransferEncoding
            }
        }
        name = disposition.name
        filename = disposition.filename
        contentType = headers["Content-Type"]
        self.headers = headers
    }
}

/// One part of a form.
public struct MultipartPart: Sendable, Equatable {
    public var head: MultipartPartHead
    /// A slice of the body that was parsed: no copy.
    public var body: ArraySlice<UInt8>

    public var name: String { head.name }
    public var filename: String? { head.filename }
    public var contentType: String? { head.contentType }
    public var headers: HTTPHeaders { head.headers }
}

/// The boundary parameter (RFC 2046 section 5.1.1).
public enum MultipartBoundary {
    /// - Parameter contentType: the request's Content-Type; nil when there is none.
    public static func find(contentType: String?) throws(MultipartError) -> String {
        guard let contentType, let media = MediaType(contentType) else { throw .notMultipart }
        guard media.essence == "multipart/form-data" else { throw .notMultipart }
        guard let boundary = media[parameter: "boundary"], isValid(boundary) else { throw .invalidBoundary }
        return boundary
    }

    /// One to seventy of the characters that RFC 2046 allows, the last not a space. Some clients use marks
    /// outside that set, so any visible ASCII passes.
    static func isValid(_ boundary: String) -> Bool {
        let bytes = boundary.utf8
        guard (1...70).contains(bytes.count), bytes.last != ByteSyntax.space else { return false }
        return bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    }
}

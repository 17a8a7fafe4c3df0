/// Why a request is refused before any handler has seen it whole. After each of these the framing of what
/// follows can't be trusted, so the connection is closed.
public enum HTTPRequestFault: Error, Sendable, Equatable {
    // Request line
    case requestLineTooLong(limit: Int)
    case malformedRequestLine
    case invalidMethod
    case invalidTarget
    case badPercentEncoding
    case unsupportedVersion
    case connectUnsupported
    // Lines
    case bareLineFeed
    case bareCarriageReturn
    case controlByte(UInt8)
    // Fields
    case headersTooLarge(limit: Int)
    case tooManyHeaders(limit: Int)
    case foldedHeader
    case headerWithoutColon
    case emptyHeaderName
    case invalidHeaderName
    case missingHost
    case repeatedHost
    case invalidHost
    case unknownExpectation
    // Body
    case invalidContentLength
    case repeatedContentLength
    case contentLengthWithTransferEncoding
    case unsupportedTransferCoding
    case transferEncodingInHTTP10
    case bodyTooLarge(limit: Int)
    case invalidChunkSize
    case invalidChunkExtension
    case chunkExtensionsTooLong(limit: Int)
    case missingChunkTerminator
    case incompleteRequest
    case plainHTTPWhereTLSIsExpected
    // Time
    case headTooSlow
    case bodyTooSlow
}

extension HTTPRequestFault {
    /// RFC 9110 section 15, RFC 9112 sections 3 and 6, RFC 6585 section 5.
    public var status: Int {
        switch self {
        case .requestLineTooLong: 414
        case .unsupportedVersion: 505
        case .connectUnsupported: 501
        case .headersTooLarge, .tooManyHeaders: 431
        case .unknownExpectation: 417
        case .bodyTooLarge: 413
        case .headTooSlow, .bodyTooSlow: 408
        default: 400
        }
    }

    /// One plain sentence for the client; it never repeats what the client sent.
    public var detail: String {
        switch self {
        case .requestLineTooLong(let limit): "the request line is longer than \(limit) bytes"
        case .malformedRequestLine: "the request line is not a method, a target and a version"
        case .invalidMethod: "the method is not a token"
        case .invalidTarget: "the request target is not valid"
        case .badPercentEncoding: "the request target is not valid percent-encoded UTF-8"
        case .unsupportedVersion: "only HTTP/1.0 and HTTP/1.1 are spoken here"
        case .connectUnsupported: "CONNECT is not implemented"
        case .bareLineFeed: "a line ends in LF without CR"
        case .bareCarriageReturn: "a CR is not followed by LF"
        case .controlByte: "a control byte stands in the head"
        case .headersTooLarge(let limit): "the header fields are larger than \(limit) bytes"
        case .tooManyHeaders(let limit): "there are more than \(limit) header fields"
        case .foldedHeader: "a header field is folded or begins with a blank"
        case .headerWithoutColon: "a header line has no colon"
        case .emptyHeaderName: "a header field has no name"
        case .invalidHeaderName: "a header field's name is not a token directly before its colon"
        case .missingHost: "the Host field is missing"
        case .repeatedHost: "there is more than one Host field"
        case .invalidHost: "the host is not valid"
        case .unknownExpectation: "the only expectation met here is 100-continue"
        case .invalidContentLength: "Content-Length is not a decimal number"
        case .repeatedContentLength: "there is more than one Content-Length"
        case .contentLengthWithTransferEncoding: "Content-Length stands beside Transfer-Encoding"
        case .unsupportedTransferCoding: "the only transfer coding understood is one final chunked"
        case .transferEncodingInHTTP10: "HTTP/1.0 has no Transfer-Encoding"
        case .bodyTooLarge(let limit): "the body is larger than \(limit) bytes"
        case .invalidChunkSize: "a chunk size is not a hexadecimal number"
        case .invalidChunkExtension: "a chunk extension is not valid"
        case .chunkExtensionsTooLong(let limit): "the chunk extensions are longer than \(limit) bytes"
        case .missingChunkTerminator: "a chunk does not end in CRLF"
        case .incompleteRequest: "the request ended before it was complete"
        case .plainHTTPWhereTLSIsExpected: "this port speaks HTTPS: use https://"
        case .headTooSlow: "the request head took too long"
        case .bodyTooSlow: "the request body came too slowly"
        }
    }
}

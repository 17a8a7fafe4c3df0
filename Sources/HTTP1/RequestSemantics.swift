/// The rules that need the whole head: Host, body framing, persistence and expectations.
enum RequestSemantics {
    static func interpret(
        _ line: RequestLine, _ headers: HTTPHeaders
    ) throws(HTTPRequestFault) -> (HTTPRequestHead, HTTPRequestFraming) {
        let target = try RequestTarget.parse(line.rawTarget, method: line.method)
        let isHTTP10 = line.minorVersion == 0
        let fields = try SemanticFields(headers)
        if !isHTTP10 && fields.host == nil { throw .missingHost }
        if let host = fields.host, !HostSyntax.isValid(ArraySlice(host.utf8)) { throw .invalidHost }

        var headers = headers
        if let authority = target.authority { headers["Host"] = authority }
        let head = HTTPRequestHead(
            method: line.method, target: String(decoding: line.rawTarget, as: UTF8.self), path: target.path,
            query: target.query, headers: headers)

        var framing = HTTPRequestFraming(isHTTP10: isHTTP10)
        framing.body = try bodyFraming(fields, isHTTP10: isHTTP10)
        framing.keepsAlive = isHTTP10 ? fields.asksKeepAlive && !fields.asksClose : !fields.asksClose
        if let expectation = fields.expect, !isHTTP10 {
            guard ByteSyntax.same(expectation.utf8, "100-continue") else { throw .unknownExpectation }
            framing.expectsContinue = framing.body != .none && framing.body != .length(0)
        }
        return (head, framing)
    }

    /// RFC 9112 section 6.3, where every doubt ends in a refusal.
    private static func bodyFraming(
        _ fields: SemanticFields, isHTTP10: Bool
    ) throws(HTTPRequestFault) -> HTTPBodyFraming {
        if let coding = fields.transferEncoding {
            guard !isHTTP10 else { throw .transferEncodingInHTTP10 }
            guard fields.contentLength == nil else { throw .contentLengthWithTransferEncoding }
            guard ByteSyntax.same(coding.utf8, "chunked") else { throw .unsupportedTransferCoding }
            return .chunked
        }
        guard let length = fields.contentLength else { return .none }
        guard !length.isEmpty else { throw .invalidContentLength }
        var value = 0
        for byte in length.utf8 {
            guard ByteSyntax.isDigit(byte) else { throw .invalidContentLength }
            let (product, productOverflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = product.addingReportingOverflow(Int(byte - 0x30))
            guard !productOverflow && !sumOverflow else { throw .invalidContentLength }
            value = sum
        }
        return .length(value)
    }
}

/// The fields that decide about the message itself, gathered in one walk.
private struct SemanticFields {
    var host: String?
    var contentLength: String?
    var transferEncoding: String?
    var expect: String?
    var asksClose = false
    var asksKeepAlive = false

    init(_ headers: HTTPHeaders) throws(HTTPRequestFault) {
        for (name, value) in headers.fields {
            let bytes = name.utf8
            switch bytes.count {
            case 4 where ByteSyntax.same(bytes, "host"):
                guard host == nil else { throw .repeatedHost }
                host = value
            case 14 where ByteSyntax.same(bytes, "content-length"):
                guard contentLength == nil else { throw .repeatedContentLength }
                contentLength = value
            case 17 where ByteSyntax.same(bytes, "transfer-encoding"):
                guard transferEncoding == nil else { throw .unsupportedTransferCoding }
                transferEncoding = value
            case 6 where ByteSyntax.same(bytes, "expect"):
                guard expect == nil else { throw .unknownExpectation }
                expect = value
            case 10 where ByteSyntax.same(bytes, "connection"):
                noteConnection(value)
            default: break
            }
        }
    }

    private mutating func noteConnection(_ value: String) {
        for option in Array(value.utf8).split(separator: UInt8(ascii: ",")) {
            let option = ByteSyntax.trimmingBlanks(option)
            if ByteSyntax.same(option, "close") { asksClose = true }
            if ByteSyntax.same(option, "keep-alive") { asksKeepAlive = true }
        }
    }
}

/// A handler's answer as it goes out: which framing, and whether its body may be sent at all.
struct ResponseMessage {
    var status: Int
    var framing: HTTPResponseEncoder.BodyFraming
    var body: [UInt8] = []
    var isStreamed = false

    /// - Parameter head: the request; nil when it could not be read.
    init(_ response: HTTPResponse, to head: HTTPRequestHead?, isHTTP10: Bool) {
        // Interim codes are the server's own, and a code outside three digits would break the status line.
        status = (200...999).contains(response.status) ? response.status : 500
        let isHead = head?.method == "HEAD"
        guard !HTTPStatus.forbidsBody(status) else {
            framing = .none
            return
        }
        switch response.body {
        case .empty:
            // A handler may tell the length of a body that it spares itself making (RFC 9110 section 9.3.2).
            let told = isHead ? response.headers["Content-Length"].flatMap { Int($0) } : nil
            framing = .length(max(0, told ?? 0))
        case .bytes(let bytes):
            framing = .length(bytes.count)
            if !isHead { body = bytes }
        case .stream:
            framing = isHTTP10 ? .untilClose : .chunked
            isStreamed = !isHead
        }
    }
}

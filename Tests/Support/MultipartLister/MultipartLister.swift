import HTTP1
import HTTPServer
import TestServing

/// Answers every multipart/form-data body with its parts as JSON, and every other with why it isn't one:
/// `{"parts":[{"name":...,"filename":...,"content_type":...,"size":...,"body_hex":...}]}` or `{"error":...}`.
/// `/sizes` leaves the bodies out, so that reading a form is all the work there is.
@main
struct MultipartLister: HTTPHandler {
    static func main() {
        serveUntilTerminated(MultipartLister())
    }

    func admit(_ head: HTTPRequestHead) -> HTTPAdmission { .accept(maximumBodyBytes: .max) }

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        do throws(MultipartError) {
            let boundary = try MultipartBoundary.find(contentType: request.head.headers["Content-Type"])
            let parts = try MultipartParser.parse(body: request.body, boundary: boundary)
            let withBodies = request.head.path != "/sizes"
            let list = parts.map { describe($0, withBody: withBodies) }.joined(separator: ",")
            return json(200, "{\"parts\":[\(list)]}")
        } catch {
            return refusal(status: error.status, detail: error.detail)
        }
    }

    func refusal(status: Int, detail: String) -> HTTPResponse {
        json(status, "{\"error\":\(quoted(detail))}")
    }

    private func describe(_ part: MultipartPart, withBody: Bool) -> String {
        let hex = withBody ? part.body.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) } : []
        let body = withBody ? ",\"body_hex\":\"\(hex.joined())\"" : ""
        return "{\"name\":\(quoted(part.name)),\"filename\":\(part.filename.map(quoted) ?? "null"),"
            + "\"content_type\":\(part.contentType.map(quoted) ?? "null"),\"size\":\(part.body.count)\(body)}"
    }

    private func quoted(_ text: String) -> String {
        var json = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": json += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                json += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: json.unicodeScalars.append(scalar)
            }
        }
        return json + "\""
    }

    private func json(_ status: Int, _ text: String) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: ["Content-Type": "application/json"],
            body: .bytes(Array((text + "\n").utf8)))
    }
}

import HTTP1
import HTTPServer

/// Probes, `/health` and `/metrics` alone, for a port that only operators reach.
public struct OperatorsInterface: HTTPHandler {
    private let service: SegmentationService

    public init(_ service: SegmentationService) {
        self.service = service
    }

    public func admit(_ head: HTTPRequestHead) -> HTTPAdmission { .accept(maximumBodyBytes: 0) }

    public func respondImmediately(to request: HTTPRequest) -> HTTPResponse? {
        service.operationalResponse(to: request)
    }

    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        service.operationalResponse(to: request)
    }

    public func refusal(status: Int, detail: String) -> HTTPResponse {
        service.refusal(status: status, detail: detail)
    }
}

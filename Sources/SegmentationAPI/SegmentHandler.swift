import HTTP1
import Serving

/// `POST /segment`: admit, read and decode, wait for the model, encode.
struct SegmentHandler: Sendable {
    static let offers = ["application/json", "image/png", "application/x-ndjson"]

    let pipeline: SegmentationPipeline

    private var pool: DecodePool { pipeline.pool }

    func respond(to request: HTTPRequest, _ context: RequestContext) async throws(APIError) -> HTTPResponse {
        guard let form = AcceptHeader(request.head.headers).preferred(among: Self.offers) else {
            throw .notAcceptable(offers: Self.offers)
        }
        let admission = try pipeline.admit()
        let (query, picture) = try await pool.run { () throws(APIError) in try read(request) }
        let work = pipeline.work(query, picture, context)
        switch form {
        case "image/png": return try await picturePNG(work, admission)
        case "application/x-ndjson":
            return LineStream(work: work, pool: pool).response(admission)
        default: return try await document(work, admission)
        }
    }

    /// Everything about the request that takes processor time, on the decode pool.
    private func read(_ request: HTTPRequest) throws(APIError) -> (SegmentationQuery, StoredPicture) {
        let query = try SegmentationRequestReader(configuration: pipeline.configuration).read(request)
        return (query, try pipeline.picture(query.picture))
    }

    /// The usual answer: one JSON document.
    private func document(
        _ work: SegmentationWork, _ admission: Admission
    ) async throws(APIError) -> HTTPResponse {
        let served = try await work.run(work.query.expressions, admission)
        let body = try await pool.run { () throws(APIError) in
            try AnswerDocument(work: work, served: served).encoded()
        }
        return HTTPResponse(
            status: 200,
            headers: ["Content-Type": "application/json", "X-Image-Digest": work.picture.digest.header],
            body: .bytes(body))
    }

    /// The mask itself, or the overlay when `format=overlay`.
    private func picturePNG(
        _ work: SegmentationWork, _ admission: Admission
    ) async throws(APIError) -> HTTPResponse {
        let served = try await work.run(work.query.expressions, admission)
        let results = served.result.expressions
        let encoder = work.encoder
        let isOverlay = work.query.formats.contains(.overlay)
        let body = try await pool.run { () throws(APIError) in
            isOverlay ? try encoder.overlayPNG(results) : try encoder.unionPNG(results)
        }
        return HTTPResponse(
            status: 200,
            headers: [
                "Content-Type": "image/png", "X-Image-Digest": work.picture.digest.header,
                "X-Rejected": results.allSatisfy(\.rejected) ? "true" : "false",
            ], body: .bytes(body))
    }
}

import HTTP1
import Images
import Segmentation
import Serving

/// `POST /segment`: admit, read and decode, wait for the model, encode.
struct SegmentHandler: Sendable {
    static let offers = ["application/json", "image/png", "application/x-ndjson"]

    let engine: Engine
    let configuration: ServiceConfiguration
    let pictures: PictureStore
    let pool: DecodePool

    func respond(to request: HTTPRequest, _ context: RequestContext) async throws(APIError) -> HTTPResponse {
        guard let form = AcceptHeader(request.head.headers).preferred(among: Self.offers) else {
            throw .notAcceptable(offers: Self.offers)
        }
        let admission = try admit()
        let (query, picture) = try await pool.run { () throws(APIError) in try read(request) }
        let decoded = context.elapsed
        let work = SegmentationWork(
            engine: engine, query: query, picture: picture, context: context, decodeSeconds: decoded,
            deadline: deadline(query, context))
        switch form {
        case "image/png": return try await picturePNG(work, admission)
        case "application/x-ndjson":
            return LineStream(work: work, pool: pool).response(admission)
        default: return try await document(work, admission)
        }
    }

    private func admit() throws(APIError) -> Admission {
        do throws(ServingError) {
            return try engine.admit()
        } catch {
            throw .serving(error)
        }
    }

    private func deadline(_ query: SegmentationQuery, _ context: RequestContext) -> ContinuousClock.Instant {
        context.arrival + min(query.deadline ?? configuration.requestTimeout, configuration.requestTimeout)
    }

    /// Everything about the request that takes processor time, on the decode pool.
    private func read(_ request: HTTPRequest) throws(APIError) -> (SegmentationQuery, StoredPicture) {
        let query = try SegmentationRequestReader(configuration: configuration).read(request)
        return (query, try picture(query.picture))
    }

    func picture(_ source: SegmentationQuery.Picture) throws(APIError) -> StoredPicture {
        switch source {
        case .stored(let digest):
            guard let picture = pictures.find(digest) else { throw .unknownImage }
            return picture
        case .uploaded(let bytes):
            // The digest that a client may have sent is never trusted: this is the server's own.
            let digest = ImageDigest(of: bytes)
            if let known = pictures.find(digest) { return known }
            do throws(ImageError) {
                let decoded = try ImageDecoder.decode(bytes, limits: configuration.image)
                let picture = StoredPicture(
                    digest: digest, image: decoded.image, exifOrientation: decoded.exifOrientation)
                pictures.insert(picture)
                return picture
            } catch {
                throw .image(error)
            }
        }
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

import Segmentation
import Serving

/// One admitted request between decoding and encoding.
struct SegmentationWork: Sendable {
    let engine: Engine
    let query: SegmentationQuery
    let picture: StoredPicture
    let context: RequestContext
    /// Seconds from arrival until the picture was decoded.
    let decodeSeconds: Double
    let deadline: ContinuousClock.Instant

    var encoder: ResultEncoder {
        ResultEncoder(image: picture.image, formats: query.formats, union: query.union)
    }

    func run(_ expressions: [String], _ admission: Admission) async throws(APIError) -> ServedResult {
        let request = SegmentationRequest(
            image: picture.image, input: picture.input, expressions: expressions, mode: query.mode,
            threshold: query.threshold)
        let job = InferenceJob(request: request, pictureKey: picture.digest.hexadecimal, deadline: deadline)
        do throws(ServingError) {
            return try await engine.submit(job, admission)
        } catch {
            throw .serving(error)
        }
    }
}

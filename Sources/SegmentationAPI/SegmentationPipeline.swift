import Images
import Segmentation
import Serving

/// The steps that every way of asking shares: admit, find or decode the picture, form the work.
struct SegmentationPipeline: Sendable {
    let engine: Engine
    let configuration: ServiceConfiguration
    let pictures: PictureStore
    let pool: DecodePool

    func admit() throws(APIError) -> Admission {
        do throws(ServingError) {
            return try engine.admit()
        } catch {
            throw .serving(error)
        }
    }

    /// Called when the picture has just been decoded.
    func work(
        _ query: SegmentationQuery, _ picture: StoredPicture, _ context: RequestContext
    ) -> SegmentationWork {
        let limit = configuration.requestTimeout
        return SegmentationWork(
            engine: engine, query: query, picture: picture, context: context,
            decodeSeconds: context.elapsed, deadline: context.arrival + min(query.deadline ?? limit, limit))
    }

    /// Takes milliseconds of processor time: called on the pool.
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
                // Resized here too, while the model computes other pictures.
                let picture = StoredPicture(
                    digest: digest, image: decoded.image, exifOrientation: decoded.exifOrientation,
                    input: engine.model.map { ModelInput(of: decoded.image, side: $0.imageSize) })
                pictures.insert(picture)
                return picture
            } catch {
                throw .image(error)
            }
        }
    }
}

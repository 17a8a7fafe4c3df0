import Images
import Segmentation
import Synchronization

/// A decoded picture that a client may refer to.
package struct StoredPicture: Sendable {
    var digest: ImageDigest
    var image: RGBImage
    var exifOrientation: Int
    /// What the model is given.
    var input: ModelInput?

    package init(digest: ImageDigest, image: RGBImage, exifOrientation: Int, input: ModelInput? = nil) {
        self.input = input
        self.digest = digest
        self.image = image
        self.exifOrientation = exifOrientation
    }

    package var bytes: Int { image.pixels.count + (input?.pixels.count ?? 0) }
}

/// Owner of the pictures kept for `image_id`: those used last, up to a number of bytes.
package final class PictureStore: Sendable {
    private struct State {
        /// The one used longest ago comes first.
        var order: [ImageDigest] = []
        var pictures: [ImageDigest: StoredPicture] = [:]
        var bytes = 0
    }

    /// Bytes.
    let capacity: Int
    /// Bounds the time of a search where pictures are tiny.
    private let maximumCount = 1024
    private let state = Mutex(State())

    package init(capacity: Int) {
        self.capacity = capacity
    }

    package var bytes: Int { state.withLock { $0.bytes } }
    package var count: Int { state.withLock { $0.pictures.count } }

    package func find(_ digest: ImageDigest) -> StoredPicture? {
        state.withLock { state in
            guard let picture = state.pictures[digest] else { return nil }
            Self.touch(digest, &state)
            return picture
        }
    }

    /// Keeps `picture`, and drops others for it. One that is larger than the whole store isn't kept.
    package func insert(_ picture: StoredPicture) {
        guard picture.bytes <= capacity else { return }
        state.withLock { state in
            Self.touch(picture.digest, &state)
            guard state.pictures.updateValue(picture, forKey: picture.digest) == nil else { return }
            state.bytes += picture.bytes
            while state.bytes > capacity || state.order.count > maximumCount {
                let oldest = state.order.removeFirst()
                state.bytes -= state.pictures.removeValue(forKey: oldest)?.bytes ?? 0
            }
        }
    }

    /// Linear in the number of pictures.
    private static func touch(_ digest: ImageDigest, _ state: inout State) {
        state.order.removeAll { $0 == digest }
        state.order.append(digest)
    }
}

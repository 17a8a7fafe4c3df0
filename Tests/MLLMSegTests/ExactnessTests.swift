import EmbeddedModel
import Images
import MLLMSeg
import Segmentation
import Testing

/// The shipped model on hundreds of drawn pictures and phrases: what the cache and the company of other requests
/// save must not change one bit of an answer.
@Suite(.serialized) struct ExactnessTests {
    private static let pictures = 200
    private static let words = ["red", "blue", "left", "largest", "green", "upper", "round", "other"]
    private static let nouns = [
        "ball", "box", "man", "dog", "cup", "car on the right", "thing near the edge",
    ]

    private struct Random {
        var state: UInt64

        mutating func below(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
    }

    /// A background, a few filled rectangles and discs; sizes differ.
    private static func picture(_ random: inout Random) -> RGBImage {
        let (width, height) = (40 + random.below(200), 40 + random.below(200))
        var pixels = [UInt8](repeating: UInt8(random.below(256)), count: width * height * 3)
        for _ in 0..<2 + random.below(4) {
            let (x, y) = (random.below(width), random.below(height))
            let (w, h) = (8 + random.below(80), 8 + random.below(80))
            let isDisc = random.below(2) == 0
            let colour = (0..<3).map { _ in UInt8(random.below(256)) }
            for row in y..<min(height, y + h) {
                for column in x..<min(width, x + w) {
                    let (dx, dy) = (2 * (column - x) - w, 2 * (row - y) - h)
                    if isDisc, dx * dx * h * h + dy * dy * w * w > w * w * h * h { continue }
                    for channel in 0..<3 { pixels[(row * width + column) * 3 + channel] = colour[channel] }
                }
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    private struct Answer: Equatable {
        var rejected: Bool
        var rejectionScore: Float?
        var masks: [Mask]
        var scores: [Float]

        init(_ result: ExpressionResult) {
            rejected = result.rejected
            rejectionScore = result.rejectionScore
            masks = result.masks.map(\.mask)
            scores = result.masks.map(\.score)
        }
    }

    private static func model(threads: Int, cacheBytes: Int) throws -> MLLMSegModel {
        var options = ModelOptions()
        options.threads = threads
        options.imageCacheBytes = cacheBytes
        return try MLLMSegModel(directory: EmbeddedModel.directory, options: options)
    }

    private static func answers(
        _ model: MLLMSegModel, _ requests: [SegmentationRequest]
    ) throws -> [[Answer]] {
        try model.segment(requests, isCancelled: { _ in false }).map {
            try $0.get().expressions.map(Answer.init)
        }
    }

    @Test func cacheCompanyAndThreadsChangeNoBit() throws {
        var random = Random(state: 5)
        let requests = (0..<Self.pictures).map { _ in
            let expressions = (0..<1 + random.below(4)).map { _ in
                "the \(Self.words[random.below(Self.words.count)]) \(Self.nouns[random.below(Self.nouns.count)])"
            }
            return SegmentationRequest(image: Self.picture(&random), expressions: expressions)
        }
        let uncached = try Self.model(threads: 1, cacheBytes: 0)
        let alone = try requests.map { try Self.answers(uncached, [$0])[0] }
        #expect(alone.joined().count >= 400)
        #expect(Set(alone.joined().map(\.rejected)).count == 2, "some are rejected, some not")

        let cached = try Self.model(threads: 2, cacheBytes: 1 << 30)
        for round in ["new pictures", "known pictures"] {
            for first in stride(from: 0, to: requests.count, by: 7) {
                // The first picture is asked about twice.
                let places = Array(first..<min(first + 7, requests.count)) + [first]
                let together = try Self.answers(cached, places.map { requests[$0] })
                for (place, answer) in zip(places, together) {
                    #expect(answer == alone[place], "\(round), picture \(place)")
                }
            }
        }
        // One phrase at a time, backwards, on known pictures.
        for (request, expected) in zip(requests, alone).reversed() {
            for (expression, answer) in zip(request.expressions, expected) {
                let single = SegmentationRequest(image: request.image, expressions: [expression])
                #expect(try Self.answers(cached, [single]) == [[answer]])
            }
        }
    }
}

import EmbeddedModel
import Foundation
import Images
import MLLMSeg
import Segmentation
import Testing

/// The checkpoint that ships with the package, against what the trainer's own code answered with it.
@Suite struct EmbeddedModelTests {
    private struct Reference: Decodable {
        struct Case: Decodable {
            struct RunLengths: Decodable {
                var size: [Int]
                var counts: String
            }

            var picture: String
            var phrase: String
            var rejected: Bool
            var rle: RunLengths
        }

        var cases: [Case]
    }

    private static let folder = Bundle.module.bundlePath + "/Embedded"

    @Test func answersAsTheTrainersOwnCode() throws {
        let data = try Data(contentsOf: URL(filePath: Self.folder + "/reference.json"))
        let cases = try JSONDecoder().decode(Reference.self, from: data).cases
        let model = try MLLMSegModel(directory: EmbeddedModel.directory)
        #expect(model.model.canReject)
        #expect(cases.count >= 6)
        for reference in cases {
            let bytes = try Data(contentsOf: URL(filePath: Self.folder + "/" + reference.picture))
            let image = try ImageDecoder.decode([UInt8](bytes)).image
            let request = SegmentationRequest(image: image, expressions: [reference.phrase])
            let answer = try #require(
                model.segment([request], isCancelled: { _ in false }).first?.get().expressions.first)
            #expect(answer.rejected == reference.rejected, "\(reference.phrase)")
            guard let mask = answer.masks.first?.mask else { continue }
            let size = reference.rle.size
            let expected = try COCORunLength(
                height: size[0], width: size[1], compressedCounts: reference.rle.counts
            ).mask
            let different = zip(mask.pixels, expected.pixels).count { $0 != $1 }
            print(reference.picture, reference.phrase, "pixels that differ:", different)
            // Another order of sums may turn a pixel that stands within 1e-6 of the threshold.
            #expect(different <= 3, "\(reference.phrase)")
        }
    }
}

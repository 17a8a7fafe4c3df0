import Checkpoints
import Foundation
import Images
import MLLMSeg
import Segmentation
import Testing

/// A checkpoint whose [SEG] and [REJ] rows are equal, as the released 1B and 4B RES models are: it can't reject.
@Suite struct EqualMarkerTests {
    /// The golden checkpoint, in which the second of three packed phrases is rejected, with both markers made equal
    /// and their ids exchanged, so that a tie falls to [REJ].
    private static func makeCheckpoint(in folder: String) throws {
        let golden = GoldenFile.folder + "/qwen2_merged"
        try FileManager.default.copyItem(atPath: golden, toPath: folder)
        for name in ["added_tokens.json", "tokenizer_config.json"] {
            let path = folder + "/" + name
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let exchanged = text.replacingOccurrences(of: "[SEG]", with: "[?]")
                .replacingOccurrences(of: "[REJ]", with: "[SEG]").replacingOccurrences(
                    of: "[?]", with: "[REJ]")
            try exchanged.write(toFile: path, atomically: true, encoding: .utf8)
        }
        // 471 was [SEG], 472 [REJ]: the embedding that is fed stays the same, the rejecting row serves both.
        try copyRow(in: folder, of: "language_model.model.embed_tokens.weight", from: 471, to: 472)
        try copyRow(in: folder, of: "language_model.lm_head.weight", from: 472, to: 471)
    }

    private static func copyRow(in folder: String, of key: String, from: Int, to: Int) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder)
        where name.hasSuffix(".safetensors") {
            let path = folder + "/" + name
            var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
            let (entries, start) = try bytes.withUnsafeBytes { try SafetensorsHeader.parse($0, path: path) }
            guard let entry = entries.first(where: { $0.key == key }) else { continue }
            let length = entry.range.count / entry.shape[0]
            let data = start + entry.range.lowerBound
            let row = Array(bytes[data + from * length..<data + (from + 1) * length])
            bytes.replaceSubrange(data + to * length..<data + (to + 1) * length, with: row)
            try Data(bytes).write(to: URL(filePath: path))
            return
        }
        throw GoldenError.missing(key)
    }

    @Test(arguments: [InferenceMode.packed, .independent, .generate])
    func neverRejects(mode: InferenceMode) throws {
        let folder = NSTemporaryDirectory() + "equal-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.makeCheckpoint(in: folder)
        let model = try MLLMSegModel(directory: folder)
        #expect(!model.model.canReject)
        let golden = try GoldenFile("qwen2_merged")
        let image = RGBImage(width: 112, height: 112, pixels: try golden.pixels("img0.resized"))
        let phrases = ["The man in the red shirt.", "left dog", "White car on the right"]
        let result = try #require(
            model.segment(
                [.init(image: image, expressions: phrases, mode: mode)], isCancelled: { _ in false }
            ).first
        ).get()
        for answer in result.expressions {
            #expect(!answer.rejected)
            #expect(answer.rejectionScore == nil)
        }
    }
}

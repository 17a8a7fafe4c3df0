import ArgumentParser
import Images
import MLLMSeg
import Segmentation
import SegmentationAPI

struct SegmentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segment",
        abstract: "Find phrases in one picture, without a server.",
        discussion: """
            Prints a line for each phrase: its box (x, y, width, height in pixels), area and score, or that it
            is not in the picture. Exit status 0 whether or not something was found.

              mllmseg segment street.jpg "the left dog" -o mask.png --overlay overlay.png
              mllmseg segment street.jpg "the left dog" "a cat" --json
            """)

    @Argument(help: "A JPEG, PNG or WebP file.")
    var picture: String

    @Argument(help: "What to find, in words; put each phrase in quotes.")
    var phrases: [String]

    @Option(
        name: [.short, .customLong("output")],
        help:
            "Write the mask as PNG: white inside, of the picture's size. With several phrases they become mask-1.png, mask-2.png, ..."
    )
    var output: String?

    @Option(help: "Write the picture with the masks drawn over it as PNG.")
    var overlay: String?

    @Flag(help: "Print one JSON document instead of lines (masks as COCO run lengths).")
    var json = false

    @Option(help: "Folder of a checkpoint in Hugging Face layout (default: the embedded model).")
    var model: String?

    @Option(help: "A pixel belongs to the mask when its probability is at least this; between 0 and 1.")
    var threshold: Float = 0.5

    @Option(help: "How several phrases are put to the model: independent, packed or generate.")
    var mode: InferenceMode = .independent

    @Option(help: "Threads for the model (default: as many as this process may use).")
    var threads: Int?

    func validate() throws {
        guard !phrases.isEmpty else { throw ValidationError("say what to find: at least one phrase") }
        guard phrases.allSatisfy({ $0.contains { !$0.isWhitespace } }) else {
            throw ValidationError("a phrase is blank")
        }
        guard threshold > 0, threshold < 1 else {
            throw ValidationError("--threshold has to be between 0 and 1, both excluded")
        }
        guard threads.map({ (1...1024).contains($0) }) ?? true else {
            throw ValidationError("--threads has to be from 1 to 1024")
        }
    }

    func run() async throws {
        try await CommandFailure.reported {
            let image = try Self.decode(picture)
            var options = ModelOptions()
            if let threads { options.threads = threads }
            let backend = try ModelLoading.load(model, options: options)
            let request = SegmentationRequest(
                image: image, expressions: phrases, mode: mode, threshold: threshold)
            let result: SegmentationResult
            do {
                guard let first = backend.segment([request], isCancelled: { _ in false }).first else {
                    throw CommandFailure("the model gave no answer")
                }
                result = try first.get()
            } catch let failure as CommandFailure {
                throw failure
            } catch {
                throw CommandFailure("the model failed: \(error)")
            }
            try write(result.expressions, image)
            try report(result.expressions, backend.model)
        }
    }

    private static func decode(_ path: String) throws(CommandFailure) -> RGBImage {
        let limits = ImageLimits()
        let bytes = try FileContents.read(path, limit: limits.maximumBytes)
        do {
            return try ImageDecoder.decode(bytes, limits: limits).image
        } catch {
            throw CommandFailure("\(path): \(error)")
        }
    }

    private func write(_ results: [ExpressionResult], _ image: RGBImage) throws(CommandFailure) {
        let encoder = ResultEncoder(image: image, formats: [])
        do {
            if let output {
                for (index, result) in results.enumerated() {
                    try FileContents.write(try encoder.unionPNG([result]), to: maskPath(output, index))
                }
            }
            if let overlay { try FileContents.write(try encoder.overlayPNG(results), to: overlay) }
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure("can't encode the mask")
        }
    }

    /// `mask.png` for one phrase, else `mask-1.png` and so on.
    private func maskPath(_ path: String, _ index: Int) -> String {
        guard phrases.count > 1 else { return path }
        guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/"), dot != path.startIndex else {
            return "\(path)-\(index + 1)"
        }
        return "\(path[..<dot])-\(index + 1)\(path[dot...])"
    }

    private func report(_ results: [ExpressionResult], _ model: ModelDescription) throws(CommandFailure) {
        guard json else { return results.forEach { print(Self.line($0)) } }
        let encoder = ResultEncoder(
            image: RGBImage(width: 1, height: 1, pixels: [0, 0, 0]), formats: [.cocoRLE])
        do throws(APIError) {
            var encoded: [JSONValue] = []
            for result in results { encoded.append(try encoder.json(result)) }
            let document: JSONValue = [
                "picture": .string(picture), "model": .string(model.name),
                "can_reject": .bool(model.canReject), "results": .array(encoded),
            ]
            print(String(decoding: document.encoded(), as: UTF8.self))
        } catch {
            throw CommandFailure("can't encode the answer")
        }
    }

    private static func line(_ result: ExpressionResult) -> String {
        if result.rejected {
            let score = result.rejectionScore.map { " (\(rounded($0)))" } ?? ""
            return "\(result.expression): not in this picture\(score)"
        }
        let masks = result.masks.map { scored in
            let box = scored.mask.boundingBox.xywh.map { String($0) }.joined(separator: ",")
            return "box \(box) area \(scored.mask.area) score \(rounded(scored.score))"
        }
        return "\(result.expression): \(masks.isEmpty ? "nothing found" : masks.joined(separator: "; "))"
    }

    private static func rounded(_ value: Float) -> String { "\((value * 1000).rounded() / 1000)" }
}

extension InferenceMode: ExpressibleByArgument {}

import ArgumentParser
import Foundation
import MLLMSeg

struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Say what a checkpoint folder holds and whether it can be served.",
        discussion: "Exit status 1 when something stops the checkpoint from being served.")

    @Argument(help: "Folder of a checkpoint in Hugging Face layout (default: the embedded model).")
    var directory: String?

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        try await CommandFailure.reported {
            let folder = try ModelLoading.folder(directory)
            let report: ModelReport
            do {
                report = try ModelReport(directory: folder)
            } catch {
                throw CommandFailure("\(error)")
            }
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                guard let document = try? encoder.encode(report) else {
                    throw CommandFailure("can't encode the report")
                }
                print(String(decoding: document, as: UTF8.self))
            } else {
                print(Self.text(report))
            }
            for problem in report.problems { StandardError.write("mllmseg: \(problem)") }
            if !report.problems.isEmpty { throw ExitCode.failure }
        }
    }

    private static func text(_ report: ModelReport) -> String {
        let megabyte = 1_000_000.0
        func megabytes(_ bytes: Int) -> String { "\((Double(bytes) / megabyte * 10).rounded() / 10) MB" }
        var lines = [
            "\(report.directory): \(report.family), prompt \(report.template)",
            "  picture          \(report.imageSize) x \(report.imageSize), \(report.imageTokens) image tokens",
            "  vision encoder   \(report.visionLayers) layers, \(report.visionWidth) wide",
            "  language model   \(report.languageLayers) layers, \(report.languageWidth) wide, \(report.vocabulary) tokens",
            "  parameters       \(report.parameters)",
            "  stored           \(megabytes(report.storedBytes)) as \(report.types.joined(separator: ", "))",
            "  in memory        \(megabytes(report.weightBytes)) of weights",
        ]
        if let rank = report.loraRank { lines.append("  LoRA             rank \(rank), merged when loaded") }
        if let canReject = report.canReject {
            lines.append("  rejects          \(canReject ? "yes" : "no: its [SEG] and [REJ] rows are equal")")
        }
        for part in report.parts {
            lines.append(
                "  \(part.name): \(part.tensors) tensors, \(part.parameters) parameters, \(megabytes(part.bytes))"
            )
        }
        lines.append(report.problems.isEmpty ? "  can be served" : "  can't be served")
        return lines.joined(separator: "\n")
    }
}

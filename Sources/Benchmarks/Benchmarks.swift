import ArgumentParser
import EmbeddedModel
import Foundation
import MLLMSeg
import Tensors

/// Times the model from inside one process: each scenario's median and 99th percentile, beside the rate of a
/// plain matrix product measured in the same run, because machines differ and drift.
@main
struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Benchmarks",
        abstract: "Time new pictures, further phrases and many at once on one checkpoint.")

    @Option(help: "Checkpoint folder; the embedded model when absent.")
    var model: String?

    @Option(help: "Threads; by default what affinity and the control group grant.")
    var threads: Int?

    @Option(help: "Runs of each scenario, after a warm-up when more than one.")
    var runs = 20

    @Option(help: "Run only the scenario of this name; may be given more than once.")
    var only: [String] = []

    @Option(help: "Width of the pictures.")
    var width = 640

    @Option(help: "Height of the pictures.")
    var height = 480

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Flag(help: "Time the product kernels against OpenBLAS instead.")
    var products = false

    func validate() throws {
        guard runs > 0, width > 0, height > 0, (threads ?? 1) > 0 else {
            throw ValidationError("runs, width, height and threads must be at least 1")
        }
    }

    func run() throws {
        var options = ModelOptions()
        if let threads { options.threads = threads }
        if products { return print(try Products.table(threads: options.threads)) }
        let start = ContinuousClock.now
        let model = try MLLMSegModel(directory: model ?? EmbeddedModel.directory, options: options)
        let load = (ContinuousClock.now - start).seconds
        let scenarios = Scenarios(model: model, width: width, height: height, runs: runs, only: only)
        let report = BenchmarkReport(
            machine: MachineFacts(threads: options.threads), model: model.model.name,
            parameters: model.model.parameters, loadSeconds: load,
            productGigaflops: try Scenarios.productRate(threads: options.threads),
            scenarios: try scenarios.all(), residentMegabytes: MachineFacts.residentMegabytes)
        print(try json ? report.json : report.table)
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}

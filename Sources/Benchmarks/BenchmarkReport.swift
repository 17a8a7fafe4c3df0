import Foundation
import Tensors

/// One run of the benchmarks, as JSON or as a table.
struct BenchmarkReport: Codable {
    var machine: MachineFacts
    var model: String
    var parameters: Int
    var loadSeconds: Double
    var productGigaflops: Double
    var scenarios: [Scenarios.Timing]
    var residentMegabytes: Int

    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    var table: String {
        var lines = [
            "\(machine.processor), \(machine.threads) threads, OpenBLAS \(machine.openBLASCore), "
                + "2048^3 product \(rounded(productGigaflops, 0)) GFLOP/s",
            "\(model): \(parameters) parameters, loaded in \(rounded(loadSeconds, 2)) s, "
                + "resident \(residentMegabytes) MB",
            "",
            "| scenario | median ms | p99 ms | ms a request | requests/s | J a request | resize | vision | "
                + "language | mask |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for timing in scenarios {
            let each = timing.medianMilliseconds / Double(timing.requests)
            let stages = ["resize", "vision", "language", "mask"].map {
                rounded(1_000 * (timing.stages[$0] ?? 0), 1)
            }
            let cells =
                [timing.name]
                + [timing.medianMilliseconds, timing.p99Milliseconds, each, timing.requestsPerSecond]
                .map { rounded($0, 1) }
                + [timing.joulesPerRequest.map { rounded($0, 2) } ?? "not readable"] + stages
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n")
    }

    private func rounded(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }
}

/// What the figures were measured on.
struct MachineFacts: Codable {
    var processor: String
    var threads: Int
    var openBLASCore: String

    init(threads: Int) {
        self.threads = threads
        openBLASCore = BLAS.coreName
        let facts = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = facts.split(separator: "\n").first { $0.hasPrefix("model name") }
        processor =
            line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
    }

    /// Peak resident memory by the system's own account.
    static var residentMegabytes: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }
        return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) / 1_024
    }
}

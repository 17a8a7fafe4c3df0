import Foundation

/// The processor's own account of its energy, where the system shows it (Linux' powercap, one domain for each
/// package; most virtual machines have none, and reading it takes root).
struct EnergyMeter {
    private struct Domain {
        let counter: String
        /// Microjoules at which the counter starts again.
        let range: Double
    }

    private let domains: [Domain]

    /// Nil where no counter can be read.
    init?(folder: String = "/sys/class/powercap") {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        // "intel-rapl:0" is a package (AMD's too); "intel-rapl:0:0" is a part of one.
        domains = names.filter { $0.hasPrefix("intel-rapl:") && $0.split(separator: ":").count == 2 }
            .compactMap { name in
                let counter = "\(folder)/\(name)/energy_uj"
                guard Self.read(counter) != nil,
                    let range = Self.read("\(folder)/\(name)/max_energy_range_uj")
                else { return nil }
                return Domain(counter: counter, range: range)
            }
        if domains.isEmpty { return nil }
    }

    /// Joules that all packages took while `body` ran.
    func measure(_ body: () throws -> Void) rethrows -> Double {
        let before = domains.map { Self.read($0.counter) ?? 0 }
        try body()
        return zip(domains, before).reduce(0) { sum, pair in
            let (domain, before) = pair
            let spent = (Self.read(domain.counter) ?? before) - before
            return sum + (spent < 0 ? spent + domain.range : spent) / 1e6
        }
    }

    private static func read(_ path: String) -> Double? {
        (try? String(contentsOfFile: path, encoding: .utf8))
            .flatMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}

import Synchronization

/// Every metric family of the process, in the order they were made. Owner of the list; each family owns
/// its own series. Text format 0.0.4 as Prometheus documents it ("Exposition formats").
public final class MetricsRegistry: Sendable {
    /// The media type of `render()`.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private struct State {
        var families: [any MetricFamily] = []
        var collectors: [@Sendable () -> Void] = []
    }
    private let state = Mutex(State())

    public init() {}

    public func counter(_ name: String, _ help: String, labels: [String] = []) -> Counter {
        add(Counter(description: MetricDescription(name: name, help: help, labels: labels)))
    }

    public func gauge(_ name: String, _ help: String, labels: [String] = []) -> Gauge {
        add(Gauge(description: MetricDescription(name: name, help: help, labels: labels)))
    }

    /// `buckets` are upper bounds in ascending order; the `+Inf` bucket is added.
    public func histogram(
        _ name: String, _ help: String, labels: [String] = [], buckets: [Double]
    ) -> Histogram {
        let description = MetricDescription(name: name, help: help, labels: labels)
        return add(Histogram(description: description, buckets: buckets))
    }

    /// Runs `collect` before each rendering: for values that are read, not counted (memory, descriptors).
    public func beforeRendering(_ collect: @escaping @Sendable () -> Void) {
        state.withLock { $0.collectors.append(collect) }
    }

    /// All families with one HELP and one TYPE line each.
    public func render() -> String {
        let (families, collectors) = state.withLock { ($0.families, $0.collectors) }
        for collect in collectors { collect() }
        var text = ""
        for family in families {
            let description = family.description
            text += "# HELP \(description.name) \(description.escapedHelp)\n"
            text += "# TYPE \(description.name) \(family.type)\n"
            family.renderSeries(into: &text)
        }
        return text
    }

    private func add<Family: MetricFamily>(_ family: Family) -> Family {
        state.withLock { state in
            precondition(
                !state.families.contains { $0.description.name == family.description.name },
                "a metric family is registered once")
            state.families.append(family)
        }
        return family
    }
}

/// One name, help text and list of label names, with all its series.
protocol MetricFamily: Sendable {
    var description: MetricDescription { get }
    /// "counter", "gauge" or "histogram".
    var type: String { get }
    func renderSeries(into text: inout String)
}

/// A number that goes up and down, one for each combination of label values.
public final class Gauge: MetricFamily {
    let description: MetricDescription
    let type = "gauge"
    private let series: LabelledValues

    init(description: MetricDescription) {
        precondition(!description.name.hasSuffix("_total"), "only counters end in _total")
        self.description = description
        series = LabelledValues(labelled: !description.labels.isEmpty)
    }

    public func set(_ value: Double, _ labels: [String] = []) {
        series.update(labels) { $0 = value }
    }

    public func add(_ amount: Double, _ labels: [String] = []) {
        series.update(labels) { $0 += amount }
    }

    public func value(_ labels: [String] = []) -> Double { series.value(labels) }

    func renderSeries(into text: inout String) { series.render(description, into: &text) }
}

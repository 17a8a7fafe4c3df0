/// Numbers that only grow, one for each combination of label values.
public final class Counter: MetricFamily {
    let description: MetricDescription
    let type = "counter"
    private let series: LabelledValues

    init(description: MetricDescription) {
        precondition(description.name.hasSuffix("_total"), "counters end in _total")
        self.description = description
        series = LabelledValues(labelled: !description.labels.isEmpty)
    }

    /// `labels` are values in the order of the family's label names; a bounded set, never what a client sent.
    public func increment(_ labels: [String] = [], by amount: Double = 1) {
        series.update(labels) { $0 += amount }
    }

    /// Shows series at 0 before anything has happened, so that rates see the first event.
    public func declare(_ labels: [String]...) {
        for labels in labels { series.update(labels) { _ in } }
    }

    /// For a total that is kept elsewhere (CPU time, the model's cache) and only copied here.
    public func set(total: Double, _ labels: [String] = []) {
        series.update(labels) { $0 = max($0, total) }
    }

    public func value(_ labels: [String] = []) -> Double { series.value(labels) }

    func renderSeries(into text: inout String) { series.render(description, into: &text) }
}

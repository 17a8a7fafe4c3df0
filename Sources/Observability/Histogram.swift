import Synchronization

/// Counts of observations at or below each bound, their sum and number; one set for each combination of
/// label values.
public final class Histogram: MetricFamily {
    let description: MetricDescription
    let type = "histogram"
    let buckets: [Double]

    private struct Series {
        /// `[buckets + 1]`, not yet cumulative; the last one is `+Inf`.
        var counts: [UInt64]
        var sum = 0.0

        init(buckets: Int) { counts = [UInt64](repeating: 0, count: buckets + 1) }

        mutating func add(_ value: Double, _ bucket: Int) {
            counts[bucket] += 1
            sum += value
        }
    }
    private let series: Mutex<[[String]: Series]>

    init(description: MetricDescription, buckets: [Double]) {
        precondition(zip(buckets, buckets.dropFirst()).allSatisfy { $0 < $1 }, "buckets must ascend")
        self.description = description
        self.buckets = buckets
        series = Mutex(description.labels.isEmpty ? [[]: Series(buckets: buckets.count)] : [:])
    }

    public func observe(_ value: Double, _ labels: [String] = []) {
        let bucket = buckets.firstIndex { value <= $0 } ?? buckets.count
        series.withLock { $0[labels, default: Series(buckets: buckets.count)].add(value, bucket) }
    }

    /// Number of observations.
    public func count(_ labels: [String] = []) -> UInt64 {
        series.withLock { $0[labels]?.counts.reduce(0, +) ?? 0 }
    }

    func renderSeries(into text: inout String) {
        let sorted = series.withLock { $0.sorted { $0.key.lexicographicallyPrecedes($1.key) } }
        let name = description.name
        for (labels, series) in sorted {
            var cumulative: UInt64 = 0
            for (bound, count) in zip(buckets + [.infinity], series.counts) {
                cumulative += count
                let braces = description.braces(labels, extra: ("le", MetricDescription.format(bound)))
                text += "\(name)_bucket\(braces) \(cumulative)\n"
            }
            text += "\(name)_sum\(description.braces(labels)) \(MetricDescription.format(series.sum))\n"
            text += "\(name)_count\(description.braces(labels)) \(cumulative)\n"
        }
    }
}

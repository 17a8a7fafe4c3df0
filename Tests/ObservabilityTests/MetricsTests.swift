import Observability
import Testing

@Suite struct MetricsTests {
    @Test func rendersTheTextFormat() {
        let registry = MetricsRegistry()
        let requests = registry.counter("a_requests_total", "Requests\nby \\ kind.", labels: ["kind"])
        let depth = registry.gauge("a_depth", "Depth.")
        let time = registry.histogram("a_seconds", "Time.", labels: ["stage"], buckets: [0.5, 1])
        requests.declare(["zero"])
        requests.increment(["b\"\\\n"], by: 2)
        depth.set(-1.5)
        for value in [0.5, 0.50001, 1, 7] { time.observe(value, ["x"]) }
        #expect(
            registry.render() == """
                # HELP a_requests_total Requests\\nby \\\\ kind.
                # TYPE a_requests_total counter
                a_requests_total{kind="b\\"\\\\\\n"} 2
                a_requests_total{kind="zero"} 0
                # HELP a_depth Depth.
                # TYPE a_depth gauge
                a_depth -1.5
                # HELP a_seconds Time.
                # TYPE a_seconds histogram
                a_seconds_bucket{stage="x",le="0.5"} 1
                a_seconds_bucket{stage="x",le="1"} 3
                a_seconds_bucket{stage="x",le="+Inf"} 4
                a_seconds_sum{stage="x"} 9.00001
                a_seconds_count{stage="x"} 4

                """)
    }

    @Test func familiesWithoutLabelsStartAtZero() {
        let registry = MetricsRegistry()
        _ = registry.counter("a_total", "A.")
        _ = registry.histogram("b_seconds", "B.", buckets: [1])
        let text = registry.render()
        #expect(text.contains("\na_total 0\n"))
        #expect(text.contains("\nb_seconds_bucket{le=\"+Inf\"} 0\n"))
        #expect(text.contains("\nb_seconds_sum 0\n"))
    }

    @Test func totalsThatAreCopiedNeverFall() {
        let counter = MetricsRegistry().counter("a_total", "A.")
        counter.set(total: 5)
        counter.set(total: 3)
        #expect(counter.value() == 5)
    }

    @Test func countsFromManyTasks() async {
        let registry = MetricsRegistry()
        let counter = registry.counter("a_total", "A.", labels: ["k"])
        let histogram = registry.histogram("b_seconds", "B.", buckets: [1])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<500 {
                        counter.increment(["x"])
                        histogram.observe(0.5)
                    }
                }
            }
        }
        #expect(counter.value(["x"]) == 4000)
        #expect(histogram.count() == 4000)
    }

    @Test func processMetricsArePlausible() {
        let registry = MetricsRegistry()
        ProcessMetrics.register(in: registry)
        let values = Dictionary(
            uniqueKeysWithValues: registry.render().split(separator: "\n").filter { !$0.hasPrefix("#") }
                .map { line in
                    let fields = line.split(separator: " ")
                    return (String(fields[0]), Double(fields[1]) ?? .nan)
                })
        func value(_ name: String) -> Double { values["process_\(name)"] ?? .nan }
        #expect(value("resident_memory_bytes") > 1_048_576)
        #expect(value("virtual_memory_bytes") > value("resident_memory_bytes"))
        #expect(value("open_fds") >= 3)
        #expect(value("max_fds") > 16)
        #expect(value("cpu_seconds_total") > 0)
        #expect(value("start_time_seconds") > 1_600_000_000)
        #expect(values.count == 6)
    }
}

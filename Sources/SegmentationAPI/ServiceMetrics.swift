import Observability

/// The families of the HTTP interface.
public struct ServiceMetrics: Sendable {
    let requests: Counter
    let duration: Histogram
    let pictureStoreBytes: Gauge
    private let buildInformation: Gauge

    private static let methods: Set<String> = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"]

    public init(_ registry: MetricsRegistry, version: String) {
        requests = registry.counter(
            "mllmseg_http_requests_total", "Requests answered.", labels: ["route", "method", "code"])
        duration = registry.histogram(
            "mllmseg_http_request_duration_seconds", "Time from the whole request to its answer.",
            labels: ["route"],
            buckets: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120])
        pictureStoreBytes = registry.gauge(
            "mllmseg_picture_store_bytes", "Memory of the decoded pictures kept for image_id.")
        buildInformation = registry.gauge("mllmseg_build_info", "Always 1.", labels: ["version"])
        buildInformation.set(1, [version])
    }

    /// `route` is a route's name, "static", or "other"; the method is a label only when it is a usual one.
    func count(route: String, method: String, status: Int, seconds: Double?) {
        let method = Self.methods.contains(method) ? method : "other"
        requests.increment([route, method, String(status)])
        if let seconds { duration.observe(seconds, [route]) }
    }
}

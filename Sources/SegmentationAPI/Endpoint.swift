import HTTPServer

/// Every resource of the service; the router's names are the metrics' `route` labels.
enum Endpoint: Sendable {
    case segment
    case live
    case ready
    case health
    case metrics
    case openAPI

    static let router: Router<Endpoint> = {
        var router = Router<Endpoint>()
        router.add("POST", "/segment", name: "/segment", .segment)
        for path in ["/livez", "/healthz", "/v2/health/live"] { router.add("GET", path, name: path, .live) }
        for path in ["/readyz", "/v2/health/ready"] { router.add("GET", path, name: path, .ready) }
        router.add("GET", "/health", name: "/health", .health)
        router.add("GET", "/metrics", name: "/metrics", .metrics)
        router.add("GET", "/openapi.json", name: "/openapi.json", .openAPI)
        return router
    }()

    /// Asked every few seconds by machines: kept out of the access log, answered without waiting.
    var isProbe: Bool {
        switch self {
        case .live, .ready, .metrics: true
        case .segment, .health, .openAPI: false
        }
    }
}

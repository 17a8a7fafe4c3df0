import HTTPServer

/// Every resource of the service; the router's names are the metrics' `route` labels.
enum Endpoint: Sendable {
    case segment
    case live
    case ready
    case health
    case metrics
    case openAPI
    case inferenceServer
    case inferenceModels
    case inferenceMetadata
    case inferenceReady
    case infer
    case labelStudioHealth
    case labelStudioVersions
    case labelStudioSetup
    case labelStudioPredict
    case labelStudioWebhook

    static let router: Router<Endpoint> = {
        var router = Router<Endpoint>()
        router.add("POST", "/segment", name: "/segment", .segment)
        for path in ["/livez", "/healthz", "/v2/health/live"] { router.add("GET", path, name: path, .live) }
        for path in ["/readyz", "/v2/health/ready"] { router.add("GET", path, name: path, .ready) }
        router.add("GET", "/health", name: "/health", .health)
        router.add("GET", "/metrics", name: "/metrics", .metrics)
        router.add("GET", "/openapi.json", name: "/openapi.json", .openAPI)
        addOpenInference(&router)
        for path in ["/label-studio", "/label-studio/health"] {
            router.add("GET", path, name: path, .labelStudioHealth)
        }
        router.add("GET", "/label-studio/versions", name: "/label-studio/versions", .labelStudioVersions)
        router.add("POST", "/label-studio/setup", name: "/label-studio/setup", .labelStudioSetup)
        router.add("POST", "/label-studio/predict", name: "/label-studio/predict", .labelStudioPredict)
        router.add("POST", "/label-studio/webhook", name: "/label-studio/webhook", .labelStudioWebhook)
        return router
    }()

    private static func addOpenInference(_ router: inout Router<Endpoint>) {
        router.add("GET", "/v2", name: "/v2", .inferenceServer)
        router.add("GET", "/v2/models", name: "/v2/models", .inferenceModels)
        for model in ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"] {
            router.add("GET", model, name: model, .inferenceMetadata)
            router.add("GET", model + "/ready", name: model + "/ready", .inferenceReady)
            router.add("POST", model + "/infer", name: model + "/infer", .infer)
        }
    }

    /// Asks the model: has a large body, waits in the queue.
    var isInference: Bool {
        switch self {
        case .segment, .infer, .labelStudioPredict: true
        default: false
        }
    }

    /// Needs an API key where keys are set: whatever the model answers, and what tells about the model or
    /// changes something. Open stay probes, metrics, documents, and the page, which asks people for the key.
    var isProtected: Bool {
        switch self {
        case .segment, .inferenceServer, .inferenceModels, .inferenceMetadata, .infer: true
        case .labelStudioVersions, .labelStudioSetup, .labelStudioPredict, .labelStudioWebhook: true
        default: false
        }
    }

    /// Served on the port for operators too.
    var isOperational: Bool {
        switch self {
        case .live, .ready, .health, .metrics: true
        default: false
        }
    }

    /// Asked every few seconds by machines: kept out of the access log, answered without waiting.
    var isProbe: Bool {
        switch self {
        case .live, .ready, .metrics, .inferenceReady, .labelStudioHealth: true
        default: false
        }
    }
}

import HTTP1
import HTTPServer
import Logging
import Observability
import Serving
import Synchronization

/// The whole HTTP interface: finds the route, runs its handler, turns errors into problems, counts and logs.
public final class SegmentationService: HTTPHandler {
    let engine: Engine
    let configuration: ServiceConfiguration
    private let registry: MetricsRegistry
    private let metrics: ServiceMetrics
    private let accessLog: AccessLog
    private let files: StaticFiles?
    private let segment: SegmentHandler
    private let openInference: OpenInference
    private let labelStudio: LabelStudioBackend
    private let status: ServiceStatus
    private let access: AccessControl
    private let inProgress = Mutex(0)

    /// - Parameters:
    ///   - files: what is served where no route matches; nil for the interface alone.
    ///   - access: who may ask, and how often.
    public init(
        engine: Engine, registry: MetricsRegistry,
        configuration: ServiceConfiguration = ServiceConfiguration(),
        files: StaticFiles? = nil, access: AccessControl = AccessControl(), logger: Logger
    ) {
        self.engine = engine
        self.access = access
        self.registry = registry
        self.configuration = configuration
        self.files = files
        let metrics = ServiceMetrics(registry, version: configuration.version)
        let pictures = PictureStore(capacity: configuration.pictureStoreBytes)
        self.metrics = metrics
        accessLog = AccessLog(logger)
        let pipeline = SegmentationPipeline(
            engine: engine, configuration: configuration, pictures: pictures,
            pool: DecodePool(width: configuration.decodeWidth))
        segment = SegmentHandler(pipeline: pipeline)
        openInference = OpenInference(pipeline: pipeline)
        labelStudio = LabelStudioBackend(
            pipeline: pipeline,
            files: LabelStudioFiles(
                folder: configuration.labelStudioFolder, maximumBytes: configuration.image.maximumBytes))
        status = ServiceStatus(engine: engine, configuration: configuration, pictures: pictures)
        registry.beforeRendering { metrics.pictureStoreBytes.set(Double(pictures.bytes)) }
    }

    /// From now on `/readyz` says 503, so that no new work is routed here; what comes is still answered.
    public func announceShutdown() { status.shutDown(.announced) }

    /// From now on new work gets 503. Requests whose head was admitted before are still answered.
    public func refuseNewWork() { status.shutDown(.refusing) }

    /// Requests being worked on, from the whole request to the response.
    public var requestsInProgress: Int { inProgress.withLock { $0 } }

    /// A body is only worth reading from a client that may ask, where a route wants it and the queue has
    /// room. Every request passes here before it is answered.
    public func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
        // Others have little use for a body; what is wrong with them is said by `respond`.
        let small = HTTPAdmission.accept(maximumBodyBytes: 1 << 20)
        guard case .found(let endpoint, let route, _) = match(head), endpoint.isProtected else {
            return small
        }
        var client: String?
        do throws(APIError) {
            client = try access.identify(head.headers)
            guard endpoint.isInference else { return small }
            if let refusal = status.isRefusing ? .notReady(.draining) : engine.refusal {
                throw .serving(refusal)
            }
            // Last, so that what is refused for other reasons costs the client nothing.
            try access.spend(client)
            return .accept(maximumBodyBytes: configuration.bodyBytes)
        } catch {
            if case .rateLimited = error { engine.metrics.countRateLimited() }
            var context = RequestContext(head)
            context.client = client
            return .refuse(finish(problem(error, context), head, route, context))
        }
    }

    /// Probes, metrics and files never wait for anything.
    public func respondImmediately(to request: HTTPRequest) -> HTTPResponse? {
        let match = match(request.head)
        if case .found(let endpoint, _, _) = match, endpoint.isInference { return nil }
        if case .found(.metrics, _, _) = match, configuration.hidesMetrics {
            return respondAtOnce(to: request.head, .notFound)
        }
        return respondAtOnce(to: request.head, match)
    }

    /// What operators ask on a port of their own: nothing else is there.
    func operationalResponse(to request: HTTPRequest) -> HTTPResponse {
        switch match(request.head) {
        case .found(let endpoint, let name, let parameters) where endpoint.isOperational:
            return respondAtOnce(
                to: request.head, .found(endpoint, name: name, parameters: parameters))
        default:
            let context = context(request.head)
            return finish(problem(.notFound, context), request.head, "other", context)
        }
    }

    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        guard case .found(let endpoint, let route, let parameters) = match(request.head), endpoint.isInference
        else { return respondImmediately(to: request) ?? Problem(.internalError).response(requestID: "") }
        inProgress.withLock { $0 += 1 }
        defer { inProgress.withLock { $0 -= 1 } }
        let context = context(request.head)
        let response: HTTPResponse
        do throws(APIError) {
            let request = try await unpacked(request)
            switch endpoint {
            case .infer: response = try await openInference.infer(request, parameters, context)
            case .labelStudioPredict: response = try await labelStudio.predict(request, context)
            default: response = try await segment.respond(to: request, context)
            }
        } catch {
            response = problem(error, context)
        }
        return finish(response, request.head, route, context)
    }

    /// The request with its content coding removed (RFC 9110 section 8.4).
    private func unpacked(_ request: HTTPRequest) async throws(APIError) -> HTTPRequest {
        guard request.head.headers["Content-Encoding"] != nil else { return request }
        let limit = configuration.bodyBytes
        return try await segment.pipeline.pool.run { () throws(APIError) in
            try ContentDecoding.decoded(request, limit: limit)
        }
    }

    public func refusal(status: Int, detail: String) -> HTTPResponse {
        let id = RequestID.accept(nil)
        var response = Problem(.refused(status: status, detail: detail)).response(requestID: id)
        response.headers["X-Request-ID"] = id
        metrics.count(route: "other", method: "", status: status, seconds: nil)
        return response
    }

    /// Writes one finished exchange to the access log.
    public func log(_ record: HTTPAccessRecord) { accessLog.write(record) }

    /// What is known of a request that was admitted.
    private func context(_ head: HTTPRequestHead, isProbe: Bool = false) -> RequestContext {
        var context = RequestContext(head, isProbe: isProbe)
        if !isProbe { context.client = try? access.identify(head.headers) }
        return context
    }

    private func problem(_ error: APIError, _ context: RequestContext) -> HTTPResponse {
        var problem = Problem(error)
        if case .serving(let error) = error, error.isOverload {
            problem.status = configuration.overloadStatus
        }
        return problem.response(requestID: context.id)
    }

    private func match(_ head: HTTPRequestHead) -> Router<Endpoint>.Match {
        Endpoint.router.match(method: head.method, path: head.path)
    }

    private func respondAtOnce(to head: HTTPRequestHead, _ match: Router<Endpoint>.Match) -> HTTPResponse {
        var isProbe = false
        if case .found(let endpoint, _, _) = match { isProbe = endpoint.isProbe }
        let context = context(head, isProbe: isProbe)
        let (response, route) = response(to: head, match, context)
        return finish(response, head, route, context, isProbe: isProbe)
    }

    private func response(
        to head: HTTPRequestHead, _ match: Router<Endpoint>.Match, _ context: RequestContext
    ) -> (HTTPResponse, route: String) {
        func problem(_ error: APIError) -> HTTPResponse { self.problem(error, context) }
        switch match {
        case .found(let endpoint, let name, let parameters):
            do throws(APIError) {
                return (try respond(to: endpoint, parameters), name)
            } catch {
                return (problem(error), name)
            }
        case .methodNotAllowed(let name, let allow):
            let options = HTTPResponse(status: 204, headers: ["Allow": allow.joined(separator: ", ")])
            return (
                head.method == "OPTIONS" ? options : problem(.methodNotAllowed(allow: allow)), name
            )
        case .methodUnknown:
            // A method that nobody knows is still one that this resource doesn't have.
            let options = Endpoint.router.match(method: "OPTIONS", path: head.path)
            guard case .methodNotAllowed(let name, let allow) = options else {
                return (problem(.methodUnknown), "other")
            }
            return (problem(.methodNotAllowed(allow: allow)), name)
        case .notFound:
            guard let response = files?.response(to: head) else {
                return (problem(.notFound), "other")
            }
            guard response.status == 405 else { return (response, "static") }
            return (problem(.methodNotAllowed(allow: StaticFiles.allow)), "static")
        }
    }

    private func respond(
        to endpoint: Endpoint, _ parameters: [String: String]
    ) throws(APIError) -> HTTPResponse {
        switch endpoint {
        case .live: return status.live
        case .ready: return status.ready
        case .health: return status.health
        case .openAPI: return OpenAPIDocument.response(configuration, model: engine.model?.name)
        case .inferenceServer: return openInference.server
        case .inferenceModels: return openInference.models
        case .inferenceMetadata: return try openInference.metadata(parameters)
        case .inferenceReady: return try openInference.ready(parameters)
        case .labelStudioHealth: return labelStudio.health
        case .labelStudioVersions: return labelStudio.versions
        case .labelStudioSetup: return labelStudio.setup
        case .labelStudioWebhook: return .json([:], status: 201)
        case .metrics, .segment, .infer, .labelStudioPredict:
            return HTTPResponse(
                status: 200,
                headers: ["Content-Type": MetricsRegistry.contentType, "Cache-Control": "no-store"],
                body: .bytes(Array(registry.render().utf8)))
        }
    }

    /// Completes the answer, counts it, and notes what the access log will say of it.
    private func finish(
        _ response: HTTPResponse, _ head: HTTPRequestHead, _ route: String, _ context: RequestContext,
        isProbe: Bool = false
    ) -> HTTPResponse {
        var response = response
        response.headers.append("X-Request-ID", context.id)
        if let trace = context.trace { response.headers.append("traceparent", trace.traceparent) }
        if response.headers["X-Content-Type-Options"] == nil {
            response.headers["X-Content-Type-Options"] = "nosniff"
        }
        configuration.crossOrigin?.apply(to: &response, for: head)
        response.note = isProbe ? AccessNote.probe : AccessNote(trace: context.trace, client: context.client)
        metrics.count(route: route, method: head.method, status: response.status, seconds: context.elapsed)
        return response
    }
}

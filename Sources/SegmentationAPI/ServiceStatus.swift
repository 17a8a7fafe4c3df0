import HTTP1
import Serving
import Synchronization

/// How far shutting down has come.
enum Shutdown: Sendable {
    case no
    /// `/readyz` says 503; everything that arrives is still answered.
    case announced
    /// New work is refused, work that has begun is finished.
    case refusing
}

/// What probes and people are told. Owner of the one flag that shutting down sets.
final class ServiceStatus: Sendable {
    private let engine: Engine
    private let configuration: ServiceConfiguration
    private let pictures: PictureStore
    private let started = ContinuousClock.now
    private let shutdown = Mutex(Shutdown.no)

    init(engine: Engine, configuration: ServiceConfiguration, pictures: PictureStore) {
        self.engine = engine
        self.configuration = configuration
        self.pictures = pictures
    }

    func shutDown(_ step: Shutdown) { shutdown.withLock { $0 = step } }

    /// No new work is wanted.
    var isRefusing: Bool { shutdown.withLock { $0 == .refusing } }

    private var phase: EnginePhase {
        shutdown.withLock { $0 } == .no ? engine.status.phase : .draining
    }

    /// The process answers, whatever the model does.
    let live = ServiceStatus.document(200, ["live": true])

    /// 503 while no new work should come; a full queue is no reason.
    var ready: HTTPResponse {
        let phase = phase
        guard phase != .ready else { return Self.document(200, ["ready": true]) }
        var response = Self.document(
            503, ["ready": false, "phase": .string(phase.name), "error": "the server is \(phase.name)"])
        response.headers["Retry-After"] = "2"
        return response
    }

    /// For people, and for clients that want to know the limits.
    var health: HTTPResponse {
        let status = engine.status
        let phase = phase
        return Self.document(
            200,
            [
                "summary": .string(summary(phase, status)), "phase": .string(phase.name),
                "version": .string(configuration.version),
                "uptime_seconds": JSONValue(Int((ContinuousClock.now - started).seconds)),
                "model": model,
                "queue": [
                    "waiting": JSONValue(status.waiting), "running": JSONValue(status.running),
                    "capacity": JSONValue(status.capacity),
                    "seconds_per_request": status.serviceTime.map { JSONValue(rounding: Float($0)) } ?? .null,
                ],
                "pictures": [
                    "kept": JSONValue(pictures.count), "bytes": JSONValue(pictures.bytes),
                    "capacity_bytes": JSONValue(pictures.capacity),
                ],
                "limits": limits,
            ], indented: true)
    }

    /// One sentence for a person in a hurry.
    private func summary(_ phase: EnginePhase, _ status: EngineStatus) -> String {
        let model = engine.model.map { " with \($0.name)" } ?? ""
        return
            "\(phase.name)\(model); \(status.running) running, \(status.waiting) of \(status.capacity) waiting"
    }

    private var model: JSONValue {
        guard let model = engine.model else { return .null }
        return [
            "name": .string(model.name), "family": .string(model.family),
            "parameters": JSONValue(model.parameters), "image_size": JSONValue(model.imageSize),
            "can_reject": .bool(model.canReject),
        ]
    }

    private var limits: JSONValue {
        [
            "body_bytes": JSONValue(configuration.bodyBytes),
            "pixels": JSONValue(configuration.image.maximumPixels),
            "side_pixels": JSONValue(configuration.image.maximumDimension),
            "expressions": JSONValue(configuration.expressions),
            "expression_characters": JSONValue(configuration.expressionCharacters),
            "request_seconds": JSONValue(Int(configuration.requestTimeout.seconds)),
        ]
    }

    private static func document(_ status: Int, _ value: JSONValue, indented: Bool = false) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: ["Content-Type": "application/json", "Cache-Control": "no-store"],
            body: .bytes(value.encoded(indented: indented)))
    }
}

import Glibc
import HTTPServer
import Logging
import Observability
import SegmentationAPI
import Serving

/// One server from start to end: listen, load the model, serve, drain.
struct Server {
    private let settings: ServeSettings
    private let logger: Logger
    private let engine: Engine
    private let service: SegmentationService
    private let server: HTTPServer
    /// Nil: operators use the same port as everyone.
    private let operatorsServer: HTTPServer?
    private let keyFile: APIKeyFile?
    private let access: AccessControl

    init(_ settings: ServeSettings) throws(CommandFailure) {
        self.settings = settings
        let (format, level) = (settings.logFormat, settings.logLevel)
        logger = Logger(label: "mllmseg") { label in
            StandardErrorLogHandler(label: label, format: format, level: level)
        }
        let registry = MetricsRegistry()
        ProcessMetrics.register(in: registry)
        engine = Engine(configuration: settings.engine, metrics: ServingMetrics(registry))
        keyFile = settings.access.apiKeysPath.map(APIKeyFile.init)
        access = AccessControl(keys: try keyFile?.read(logger), limiter: settings.access.limiter)
        let service = SegmentationService(
            engine: engine, registry: registry, configuration: settings.service,
            files: try Self.files(settings.publicDirectory), access: access, logger: logger)
        self.service = service
        var configuration = settings.server
        configuration.onAccess = { service.log($0) }
        server = HTTPServer(configuration: configuration, handler: service, logger: logger)
        operatorsServer = settings.operators.map { [logger] in
            Self.operatorsServer(at: $0, service, logger)
        }
    }

    private static func operatorsServer(
        at address: ListenAddress, _ service: SegmentationService, _ logger: Logger
    ) -> HTTPServer {
        var configuration = HTTPServerConfiguration(addresses: [address])
        configuration.onAccess = { service.log($0) }
        return HTTPServer(
            configuration: configuration, handler: OperatorsInterface(service), logger: logger)
    }

    private static func files(_ directory: String?) throws(CommandFailure) -> StaticFiles? {
        guard let directory else { return nil }
        do throws(StaticFiles.Failure) {
            return try StaticFiles(root: directory)
        } catch {
            switch error {
            case .notAFolder(let path): throw CommandFailure("can't serve the page: \(path) is not a folder")
            case .tooLarge(let path, let limit):
                throw CommandFailure("can't serve the page: \(path) holds more than \(limit) bytes")
            }
        }
    }

    /// Returns when the server has drained after a signal.
    func run() async throws(CommandFailure) {
        logger.info(
            "configuration",
            metadata: .init(
                uniqueKeysWithValues: settings.lines.map { ($0.name, "\($0.value) (\($0.source))") }))
        let folder = try ModelLoading.folder(settings.modelDirectory)
        let signals = TerminationSignals()
        let reload = FileReload(server, keyFile, access, logger)
        defer { reload.stop() }
        do throws(HTTPServerError) {
            try server.start()
            try operatorsServer?.start()
        } catch {
            throw CommandFailure("\(error)")
        }
        // Listening comes first: probes can tell a server that loads from one that is gone.
        var metadata: Logger.Metadata = ["folder": "\(folder)", "url": "\(url)"]
        metadata["operators_port"] = operatorsServer?.boundPort.map { "\($0)" }
        logger.info("loading the model", metadata: metadata)
        engine.start(
            loading: { [settings] in
                try ModelLoading.load(settings.modelDirectory, options: settings.model)
            },
            failed: { error in
                StandardError.write("mllmseg: \((error as? CommandFailure)?.message ?? "\(error)")")
                // The I/O queue and its threads have nothing left to save.
                _exit(EXIT_FAILURE)
            })
        let announcing = Task { await announce() }
        await signals.first()
        announcing.cancel()
        await drain()
    }

    private func announce() async {
        guard await engine.waitUntilLoaded(), let model = engine.model else { return }
        logger.info(
            "ready",
            metadata: [
                "model": "\(model.name)", "parameters": "\(model.parameters)",
                "can_reject": "\(model.canReject)",
            ])
        let isUnix = server.boundPort == nil
        print("mllmseg: ready. \(isUnix ? "Listening on" : "Open") \(url)")
        fflush(nil)
    }

    private func drain() async {
        logger.info("draining", metadata: ["requests": "\(service.requestsInProgress)"])
        service.announceShutdown()
        let deadline = ContinuousClock.now + settings.shutdownDelay + settings.shutdownTimeout
        try? await Task.sleep(for: settings.shutdownDelay)
        service.refuseNewWork()
        // Still listening, so that probes are told 503 rather than nothing.
        while service.requestsInProgress > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
        await server.shutDown(timeout: max(.zero, deadline - .now))
        // Last, so that what happens to the end can be watched.
        operatorsServer?.stop()
        let abandoned = await engine.drain(within: .zero)
        logger.info("stopped", metadata: ["abandoned": "\(abandoned)"])
    }

    /// What to open in a browser on this machine.
    private var url: String {
        guard case .tcp(let host, let port)? = settings.server.addresses.first else {
            return settings.server.addresses.map(\.description).joined()
        }
        let everywhere = ["0.0.0.0": "127.0.0.1", "::": "[::1]"]
        let name = everywhere[host] ?? (host.contains(":") ? "[\(host)]" : host)
        let scheme = settings.server.tls == nil ? "http" : "https"
        return "\(scheme)://\(name):\(server.boundPort ?? port)/"
    }
}

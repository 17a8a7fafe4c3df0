import EmbeddedModel
import HTTPServer
import Logging
import MLLMSeg
import Observability
import SegmentationAPI
import Serving

/// The effective configuration of one server.
struct ServeSettings {
    var server: HTTPServerConfiguration
    var service = ServiceConfiguration()
    var engine = EngineConfiguration()
    var model = ModelOptions()
    /// Nil: the embedded model.
    var modelDirectory: String?
    var access: AccessSettings
    /// Nil: operators use the same port as everyone.
    var operators: ListenAddress?
    /// Nil: no page.
    var publicDirectory: String?
    var shutdownTimeout: Duration
    var shutdownDelay: Duration
    var logFormat: LogFormat
    var logLevel: Logger.Level
    /// For the line that is printed at start.
    var lines: [(name: String, value: String, source: String)]

    init(_ options: ServeOptions, reader: SettingsReader = SettingsReader()) throws(CommandFailure) {
        var reader = reader
        let host = reader.text(options.host, Setting("host"), default: "127.0.0.1")
        let port = try reader.integer(
            options.port, Setting("port", others: ["PORT"]), default: 8080, in: 0...65535)
        let socket = reader.optionalText(options.unixSocket, Setting("unix-socket"), shown: "none")
        server = HTTPServerConfiguration(
            addresses: [socket.map(ListenAddress.unix) ?? .tcp(host: host, port: port)])
        let operatorsPort = try reader.optionalInteger(
            options.operatorsPort, Setting("operators-port"), in: 0...65535)
        operators = operatorsPort.map { .tcp(host: host, port: $0) }
        modelDirectory = reader.optionalText(options.model, Setting("model"), shown: "embedded")
        let page = PageFolder.find()
        publicDirectory =
            reader.optionalText(options.public, Setting("public"), shown: page ?? "none") ?? page
        try Self.read(options, &reader, into: &engine)
        try Self.read(options, &reader, into: &model)
        try Self.read(options, &reader, into: &service)
        service.hidesMetrics = operators != nil
        access = try AccessSettings(options, &reader, into: &service)
        try Self.read(options.protocolLimits, &reader, into: &server, &service)
        server.limits.bodyBytes = service.bodyBytes
        server.maximumConnections = try reader.integer(
            options.maxConnections, Setting("max-connections"), default: 8192, in: 1...1_000_000)
        server.tls = try Self.tls(options, &reader)
        shutdownTimeout = try reader.seconds(
            options.shutdownTimeout, Setting("shutdown-timeout"), default: 30, in: 0...86400)
        shutdownDelay = try reader.seconds(
            options.shutdownDelay, Setting("shutdown-delay"), default: 0, in: 0...3600)
        logFormat = try reader.choice(options.logFormat, Setting("log-format"), default: .text)
        logLevel = try reader.choice(options.logLevel, Setting("log-level"), default: .info)
        lines = reader.lines
    }

    private enum TLSVersion: String, CaseIterable {
        case v12 = "1.2"
        case v13 = "1.3"
    }

    private static func tls(
        _ options: ServeOptions, _ reader: inout SettingsReader
    ) throws(CommandFailure) -> TLSConfiguration? {
        let certificate = reader.optionalText(
            options.tlsCertificate, Setting("tls-cert", others: ["MLLMSEG_TLS_CERTIFICATE"]), shown: "none")
        let key = reader.optionalText(options.tlsKey, Setting("tls-key"), shown: "none")
        let minimum = try reader.choice(options.tlsMinimum, Setting("tls-minimum"), default: TLSVersion.v12)
        if certificate == nil, key == nil { return nil }
        guard let certificate, let key else {
            throw CommandFailure("--tls-cert and --tls-key belong together")
        }
        return TLSConfiguration(
            certificatePath: certificate, keyPath: key, requiresTLS13: minimum == .v13)
    }

    private static func read(
        _ options: ServeOptions, _ reader: inout SettingsReader, into engine: inout EngineConfiguration
    ) throws(CommandFailure) {
        engine.queueCapacity = try reader.integer(
            options.queue, Setting("queue"), default: 64, in: 1...100_000)
        engine.policy.maximumRequests = try reader.integer(
            options.batch, Setting("batch"), default: 8, in: 1...1024)
    }

    private static func read(
        _ options: ServeOptions, _ reader: inout SettingsReader, into model: inout ModelOptions
    ) throws(CommandFailure) {
        model.threads = try reader.integer(
            options.threads, Setting("threads"), default: model.threads, in: 1...1024)
        model.weights = try reader.choice(options.weights, Setting("weights"), default: model.weights)
        model.imageCacheBytes = try reader.mebibytes(options.imageCache, Setting("image-cache"), default: 256)
    }

    private static func read(
        _ options: ServeOptions, _ reader: inout SettingsReader, into service: inout ServiceConfiguration
    ) throws(CommandFailure) {
        service.version = Product.version
        service.labelStudioFolder = reader.optionalText(
            options.labelStudioFiles, Setting("label-studio-files"), shown: "none")
        if let folder = service.labelStudioFolder, !FileContents.isFolder(folder) {
            throw CommandFailure("--label-studio-files: \(folder) is not a folder")
        }
        service.pictureStoreBytes = try reader.mebibytes(
            options.pictureStore, Setting("picture-store"), default: 256)
        service.decodeWidth = try reader.integer(
            options.decodeThreads, Setting("decode-threads"), default: 2, in: 1...256)
        service.bodyBytes = try reader.mebibytes(options.maxUpload, Setting("max-upload"), default: 32)
        service.image.maximumBytes = service.bodyBytes
        service.image.maximumPixels = try reader.integer(
            options.maxPixels, Setting("max-pixels"), default: 40_000_000, in: 1...268_435_456)
        service.expressions = try reader.integer(
            options.maxExpressions, Setting("max-expressions"), default: 32, in: 1...1024)
        service.requestTimeout = try reader.seconds(
            options.requestTimeout, Setting("request-timeout"), default: 60, in: 0.1...86400)
    }
}

extension SettingsReader {
    /// A whole number of MiB, as bytes.
    fileprivate mutating func mebibytes(
        _ flag: String?, _ setting: Setting, default value: Int
    ) throws(CommandFailure) -> Int {
        try integer(flag, setting, default: value, in: 1...1_048_576) << 20
    }
}

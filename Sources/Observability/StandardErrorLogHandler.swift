import Logging

/// Writes each log entry as one line to standard error, without making the caller wait for its reader.
public struct StandardErrorLogHandler: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    private let label: String
    private let format: LogFormat

    public init(label: String, format: LogFormat, level: Logger.Level = .info) {
        self.label = label
        self.format = format
        logLevel = level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        let line = LogLine(
            time: LogLine.now(), level: event.level.rawValue, label: label,
            message: event.message.description,
            fields: fields.map { ($0.key, $0.value.description) }.sorted { $0.0 < $1.0 })
        var bytes = Array(line.render(format).utf8)
        bytes.append(UInt8(ascii: "\n"))
        LogWriter.standardError.write(bytes)
    }

    /// Waits until what was logged is written, for a second at most: before the process ends.
    public static func flush() {
        LogWriter.standardError.flush(within: .seconds(1))
    }
}

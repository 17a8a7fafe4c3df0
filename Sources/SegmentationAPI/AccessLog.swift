import HTTPServer
import Logging
import Observability

/// What the access log says of a request beyond what the HTTP server measured. Travels with the answer.
package struct AccessNote: Sendable {
    var trace: TraceContext?
    /// The name of the API key, never the key.
    package var client: String?
    var isProbe = false

    /// The same for all probes: they are many, and nothing is noted of them.
    static let probe: any Sendable = AccessNote(isProbe: true)
}

/// One line for each answered request, probes left out.
struct AccessLog: Sendable {
    private let logger: Logger

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// `ms` runs from the whole head to the last byte written; `body_ms` and `handler_ms` are parts of it.
    func write(_ record: HTTPAccessRecord) {
        let note = record.note as? AccessNote ?? AccessNote()
        if note.isProbe { return }
        var fields: Logger.Metadata = [
            "method": "\(record.method ?? "-")", "path": "\(record.path ?? "-")",
            "status": "\(record.status)", "bytes_in": "\(record.requestBytes)",
            "bytes_out": "\(record.responseBytes)", "ms": Self.milliseconds(record.totalNanoseconds),
            "body_ms": Self.milliseconds(record.bodyNanoseconds),
            "handler_ms": Self.milliseconds(record.handlerNanoseconds), "remote": "\(record.remoteAddress)",
        ]
        fields["request_id"] = record.requestID.map { "\($0)" }
        fields["trace_id"] = note.trace.map { "\($0.traceID)" }
        fields["span_id"] = note.trace.map { "\($0.spanID)" }
        fields["key"] = note.client.map { "\($0)" }
        // The client left before the last byte.
        if !record.isComplete { fields["complete"] = "false" }
        logger.info("request", metadata: fields)
    }

    /// With one digit after the point.
    private static func milliseconds(_ nanoseconds: UInt64) -> Logger.MetadataValue {
        "\(Double((nanoseconds + 50_000) / 100_000) / 10)"
    }
}

import Logging

/// One line for each answered request, probes left out.
public struct AccessLog: Sendable {
    private let logger: Logger

    public init(_ logger: Logger) {
        self.logger = logger
    }

    public struct Entry: Sendable {
        public var method: String
        /// Path without the query, which may hold what a user typed.
        public var path: String
        public var status: Int
        /// Seconds from the whole request to the response.
        public var seconds: Double
        public var remoteAddress: String
        public var requestID: String
        public var trace: TraceContext

        public init(
            method: String, path: String, status: Int, seconds: Double, remoteAddress: String,
            requestID: String, trace: TraceContext
        ) {
            self.method = method
            self.path = path
            self.status = status
            self.seconds = seconds
            self.remoteAddress = remoteAddress
            self.requestID = requestID
            self.trace = trace
        }
    }

    public func write(_ entry: Entry) {
        let milliseconds = (entry.seconds * 10_000).rounded() / 10
        logger.info(
            "request",
            metadata: [
                "method": "\(entry.method)", "path": "\(entry.path)", "status": "\(entry.status)",
                "ms": "\(milliseconds)", "remote": "\(entry.remoteAddress)",
                "request_id": "\(entry.requestID)", "trace_id": "\(entry.trace.traceID)",
                "span_id": "\(entry.trace.spanID)",
            ])
    }
}

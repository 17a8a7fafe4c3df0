import HTTP1
import Observability

/// What is known of a request besides what it asks.
struct RequestContext: Sendable {
    let id: String
    /// Nil for a probe that belongs to no trace.
    let trace: TraceContext?
    /// When the whole request had been read.
    let arrival: ContinuousClock.Instant
    /// The name of the API key.
    var client: String?

    init(_ head: HTTPRequestHead, isProbe: Bool = false) {
        id = RequestID.accept(head.headers["X-Request-ID"])
        let parent = head.headers["traceparent"]
        // Nobody follows a trace that begins and ends with a probe.
        trace = isProbe && parent == nil ? nil : TraceContext(traceparent: parent)
        arrival = .now
    }

    /// Seconds since arrival.
    var elapsed: Double { (ContinuousClock.now - arrival).seconds }
}

extension Duration {
    var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}

/// Which waiting requests the model computes next. A pure value: entries + now -> plan.
///
/// The request with the nearest deadline leads (requests without one count as if they had
/// `impliedDeadline`, so nothing waits for ever). Requests on the leader's picture come with it, because
/// they share its vision features; then the rest in order of deadline while the batch has room. A free
/// inference thread takes a lone request at once: batches form only while it is busy.
public struct BatchPolicy: Sendable, Equatable {
    /// Requests in one batch, at least 1.
    public var maximumRequests = 8
    /// Expressions in one batch; a request that has more goes alone.
    public var maximumExpressions = 16
    public var impliedDeadline: Duration = .seconds(60)

    public init() {}

    /// What the policy needs to know of a waiting request.
    public struct Entry: Sendable, Equatable {
        /// Grows with arrival.
        public var id: UInt64
        /// Equal for requests on the same picture.
        public var pictureKey: String
        public var expressions: Int
        public var enqueued: ContinuousClock.Instant
        public var deadline: ContinuousClock.Instant?

        public init(
            id: UInt64, pictureKey: String, expressions: Int, enqueued: ContinuousClock.Instant,
            deadline: ContinuousClock.Instant? = nil
        ) {
            self.id = id
            self.pictureKey = pictureKey
            self.expressions = expressions
            self.enqueued = enqueued
            self.deadline = deadline
        }
    }

    public struct Plan: Sendable, Equatable {
        /// Requests to compute together, in this order; empty when nothing waits.
        public var batch: [UInt64] = []
        /// Requests whose deadline has passed: never to be computed.
        public var expired: [UInt64] = []

        public init(batch: [UInt64] = [], expired: [UInt64] = []) {
            self.batch = batch
            self.expired = expired
        }
    }

    public func plan(_ waiting: [Entry], now: ContinuousClock.Instant) -> Plan {
        var plan = Plan()
        plan.expired = waiting.filter { entry in entry.deadline.map { $0 <= now } ?? false }.map(\.id)
        let live = waiting.filter { entry in entry.deadline.map { $0 > now } ?? true }
            .sorted { urgency($0) < urgency($1) }
        guard let leader = live.first else { return plan }
        let samePicture = live.filter { $0.pictureKey == leader.pictureKey }
        let others = live.filter { $0.pictureKey != leader.pictureKey }
        var expressions = 0
        for entry in samePicture + others {
            guard plan.batch.count < max(1, maximumRequests) else { break }
            // A request that doesn't fit waits; a smaller one behind it may still fill the batch.
            guard plan.batch.isEmpty || expressions + entry.expressions <= maximumExpressions else {
                continue
            }
            plan.batch.append(entry.id)
            expressions += entry.expressions
        }
        return plan
    }

    private func urgency(_ entry: Entry) -> (ContinuousClock.Instant, UInt64) {
        (entry.deadline ?? entry.enqueued + impliedDeadline, entry.id)
    }
}

/// Which waiting requests the model computes next. A pure value: entries + arrivals + now -> plan.
///
/// The request with the nearest deadline leads (requests without one count as if they had
/// `impliedDeadline`, so nothing waits for ever). Requests on the leader's picture come with it, because
/// they share its vision features; then the rest in order of deadline while the batch has room.
///
/// A free inference thread takes a lone request at once. Only while others have been admitted and their pictures are
/// still being decoded does a batch that has room wait for them, for a share of what a request takes the model.
public struct BatchPolicy: Sendable, Equatable {
    /// Requests in one batch, at least 1.
    public var maximumRequests = 8
    /// Expressions in one batch; a request that has more goes alone.
    public var maximumExpressions = 16
    public var impliedDeadline: Duration = .seconds(60)
    /// The batching window: this share of a request's recent service time, at most `longestWindow`.
    public var windowShare = 0.25
    public var longestWindow: Duration = .milliseconds(10)

    public init() {}

    /// What the policy needs to know of a waiting request.
    public struct Entry: Sendable, Equatable {
        /// Grows with arrival.
        public var id: UInt64
        /// Equal for requests on the same picture.
        public var pictureKey: String
        public var expressions: Int
        /// When it was admitted.
        public var enqueued: ContinuousClock.Instant
        /// When its picture was decoded, so that the model could have begun.
        public var ready: ContinuousClock.Instant
        public var deadline: ContinuousClock.Instant?

        public init(
            id: UInt64, pictureKey: String, expressions: Int, enqueued: ContinuousClock.Instant,
            ready: ContinuousClock.Instant? = nil, deadline: ContinuousClock.Instant? = nil
        ) {
            self.id = id
            self.pictureKey = pictureKey
            self.expressions = expressions
            self.enqueued = enqueued
            self.ready = ready ?? enqueued
            self.deadline = deadline
        }
    }

    /// What is on its way, and how fast the model is.
    public struct Load: Sendable, Equatable {
        /// Requests that were admitted and can't be computed yet.
        public var arriving: Int
        /// Seconds of model time per request, averaged over recent batches; nil before the first.
        public var serviceTime: Double?

        public init(arriving: Int = 0, serviceTime: Double? = nil) {
            self.arriving = arriving
            self.serviceTime = serviceTime
        }
    }

    public struct Plan: Sendable, Equatable {
        /// Requests to compute together, in this order; empty when nothing waits, or nothing should yet.
        public var batch: [UInt64] = []
        /// Requests whose deadline has passed: never to be computed.
        public var expired: [UInt64] = []
        /// When to ask again if nothing comes before: the end of the batching window.
        public var windowEnd: ContinuousClock.Instant?

        public init(
            batch: [UInt64] = [], expired: [UInt64] = [], windowEnd: ContinuousClock.Instant? = nil
        ) {
            self.batch = batch
            self.expired = expired
            self.windowEnd = windowEnd
        }
    }

    public func plan(_ waiting: [Entry], load: Load = Load(), now: ContinuousClock.Instant) -> Plan {
        var plan = Plan()
        plan.expired = waiting.filter { entry in entry.deadline.map { $0 <= now } ?? false }.map(\.id)
        let live = waiting.filter { entry in entry.deadline.map { $0 > now } ?? true }
            .sorted { urgency($0) < urgency($1) }
        let batch = batch(live)
        if let end = windowEnd(batch, load), end > now {
            plan.windowEnd = end
        } else {
            plan.batch = batch.map(\.id)
        }
        return plan
    }

    /// The most urgent of `live`, with company.
    private func batch(_ live: [Entry]) -> [Entry] {
        guard let leader = live.first else { return [] }
        let samePicture = live.filter { $0.pictureKey == leader.pictureKey }
        let others = live.filter { $0.pictureKey != leader.pictureKey }
        var batch: [Entry] = []
        var expressions = 0
        for entry in samePicture + others {
            guard batch.count < max(1, maximumRequests) else { break }
            // A request that doesn't fit waits; a smaller one behind it may still fill the batch.
            guard batch.isEmpty || expressions + entry.expressions <= maximumExpressions else { continue }
            batch.append(entry)
            expressions += entry.expressions
        }
        return batch
    }

    /// Until when this batch may wait for more; nil when it must not. The window counts from the request that has
    /// waited longest, so that a stream of arrivals doesn't extend it.
    private func windowEnd(_ batch: [Entry], _ load: Load) -> ContinuousClock.Instant? {
        let expressions = batch.reduce(0) { $0 + $1.expressions }
        guard load.arriving > 0, let serviceTime = load.serviceTime, batch.count < maximumRequests,
            expressions < maximumExpressions, let first = batch.map(\.ready).min()
        else { return nil }
        let end = first + min(.seconds(serviceTime * windowShare), longestWindow)
        // Nobody is brought near a deadline for the sake of others.
        let isHurried = batch.contains { entry in
            entry.deadline.map { $0 < end + .seconds(serviceTime * Double(2 * batch.count)) } ?? false
        }
        return isHurried ? nil : end
    }

    private func urgency(_ entry: Entry) -> (ContinuousClock.Instant, UInt64) {
        (entry.deadline ?? entry.enqueued + impliedDeadline, entry.id)
    }
}

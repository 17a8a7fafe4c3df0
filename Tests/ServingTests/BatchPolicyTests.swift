import Serving
import Testing

@Suite struct BatchPolicyTests {
    private static let start = ContinuousClock.now

    struct Row: CustomTestStringConvertible, Sendable {
        var name: String
        /// id, picture, expressions, enqueued at, deadline (seconds from the start)
        var waiting: [(UInt64, String, Int, Int, Int?)]
        var now = 10
        var batch: [UInt64]
        var expired: [UInt64] = []
        var testDescription: String { name }
    }

    static let table: [Row] = [
        Row(name: "nothing waits", waiting: [], batch: []),
        Row(name: "a lone request goes at once", waiting: [(1, "a", 1, 10, nil)], batch: [1]),
        Row(
            name: "first come, first served without deadlines",
            waiting: [(1, "a", 1, 0, nil), (2, "b", 1, 1, nil), (3, "c", 1, 2, nil)], batch: [1, 2, 3]),
        Row(
            name: "same picture comes with the leader",
            waiting: [
                (1, "a", 1, 0, nil), (2, "b", 1, 1, nil), (3, "c", 1, 2, nil), (4, "d", 1, 3, nil),
                (5, "a", 1, 4, nil),
            ], batch: [1, 5, 2, 3]),
        Row(
            name: "the nearest deadline leads",
            waiting: [(1, "a", 1, 0, 40), (2, "b", 1, 1, 20), (3, "c", 1, 2, 30)], batch: [2, 3, 1]),
        Row(
            name: "no deadline counts as sixty seconds",
            waiting: [(1, "a", 1, 0, nil), (2, "b", 1, 1, 59), (3, "c", 1, 1, 61)], batch: [2, 1, 3]),
        Row(
            name: "equal deadlines keep the order of arrival",
            waiting: [(7, "a", 1, 0, 30), (8, "b", 1, 0, 30)], batch: [7, 8]),
        Row(
            name: "a passed deadline is never computed; now itself has passed",
            waiting: [(1, "a", 1, 0, 9), (2, "a", 1, 0, 10), (3, "a", 1, 0, 11)], batch: [3],
            expired: [1, 2]),
        Row(
            name: "at most four requests",
            waiting: (1...6).map { ($0, "\($0)", 1, 0, nil) }, batch: [1, 2, 3, 4]),
        Row(
            name: "exactly as many expressions as fit",
            waiting: [(1, "a", 5, 0, nil), (2, "b", 3, 1, nil), (3, "c", 1, 2, nil)], batch: [1, 2]),
        Row(
            name: "what doesn't fit waits, a smaller one fills up",
            waiting: [(1, "a", 5, 0, nil), (2, "b", 4, 1, nil), (3, "c", 3, 2, nil)], batch: [1, 3]),
        Row(
            name: "more expressions than a batch holds go alone",
            waiting: [(1, "a", 9, 0, nil), (2, "a", 1, 1, nil)], batch: [1]),
        Row(
            name: "a stream on one picture doesn't starve another",
            waiting: [(1, "b", 1, 0, nil)] + (2...7).map { ($0, "a", 1, Int($0), nil) }, batch: [1, 2, 3, 4]),
        Row(
            name: "a small request comes with its picture before others that waited longer",
            waiting: [(1, "a", 6, 0, nil), (2, "b", 2, 1, nil), (3, "a", 2, 2, nil)], batch: [1, 3]),
        Row(
            name: "a big request is not passed for ever: the longest wait leads",
            waiting: [(1, "a", 20, 0, nil), (2, "b", 1, 1, nil), (3, "b", 1, 2, nil)], batch: [1]),
        Row(
            name: "a deadline too near for the rest goes first, with company that fits",
            waiting: [(1, "a", 5, 0, nil), (2, "b", 4, 9, 12), (3, "b", 4, 9, nil)], batch: [2, 3]),
        Row(name: "all expired", waiting: [(1, "a", 1, 0, 1)], batch: [], expired: [1]),
    ]

    @Test(arguments: table) func plans(row: Row) {
        var policy = BatchPolicy()
        policy.maximumRequests = 4
        policy.maximumExpressions = 8
        let entries = row.waiting.map { id, picture, expressions, enqueued, deadline in
            BatchPolicy.Entry(
                id: id, pictureKey: picture, expressions: expressions,
                enqueued: Self.start + .seconds(enqueued),
                deadline: deadline.map { Self.start + .seconds($0) })
        }
        let plan = policy.plan(entries, now: Self.start + .seconds(row.now))
        #expect(plan == BatchPolicy.Plan(batch: row.batch, expired: row.expired))
    }

    @Test func aLimitOfZeroStillServes() {
        var policy = BatchPolicy()
        policy.maximumRequests = 0
        let entry = BatchPolicy.Entry(id: 1, pictureKey: "a", expressions: 1, enqueued: Self.start)
        #expect(policy.plan([entry, entry], now: Self.start).batch == [1])
    }

    struct WindowRow: CustomTestStringConvertible, Sendable {
        var name: String
        var arriving: Int
        /// Milliseconds.
        var serviceTime: Int?
        /// id, expressions, milliseconds from the start when its picture was decoded, milliseconds of its deadline
        var waiting: [(UInt64, Int, Int, Int?)]
        /// Milliseconds from the start.
        var now: Int
        var batch: [UInt64] = []
        var windowEnd: Int?
        var testDescription: String { name }
    }

    static let windows: [WindowRow] = [
        WindowRow(
            name: "a lone request never waits", arriving: 0, serviceTime: 8, waiting: [(1, 1, 0, nil)],
            now: 0,
            batch: [1]),
        WindowRow(
            name: "one that is on its way is waited for", arriving: 1, serviceTime: 8,
            waiting: [(1, 1, 0, nil)], now: 1, windowEnd: 2),
        WindowRow(
            name: "not beyond the window", arriving: 1, serviceTime: 8, waiting: [(1, 1, 0, nil)], now: 2,
            batch: [1]),
        WindowRow(
            name: "a slow model waits longer, up to ten milliseconds", arriving: 3, serviceTime: 5_000,
            waiting: [(1, 1, 4, nil)], now: 5, windowEnd: 14),
        WindowRow(
            name: "later arrivals don't extend the window", arriving: 1, serviceTime: 8,
            waiting: [(2, 1, 1, nil), (1, 1, 0, nil)], now: 1, windowEnd: 2),
        WindowRow(
            name: "nothing is known of the model yet", arriving: 1, serviceTime: nil,
            waiting: [(1, 1, 0, nil)], now: 0, batch: [1]),
        WindowRow(
            name: "a full batch goes", arriving: 5, serviceTime: 8,
            waiting: (1...4).map { ($0, 1, 0, nil) }, now: 0, batch: [1, 2, 3, 4]),
        WindowRow(
            name: "so does one that is full of expressions", arriving: 5, serviceTime: 8,
            waiting: [(1, 8, 0, nil)], now: 0, batch: [1]),
        WindowRow(
            name: "and one with a near deadline", arriving: 1, serviceTime: 8, waiting: [(1, 1, 0, 17)],
            now: 0,
            batch: [1]),
        WindowRow(
            name: "a far deadline allows it", arriving: 1, serviceTime: 8, waiting: [(1, 1, 0, 18)], now: 0,
            windowEnd: 2),
        WindowRow(name: "nothing waits, all arrive", arriving: 2, serviceTime: 8, waiting: [], now: 0),
    ]

    @Test(arguments: windows) func waitsForCompany(row: WindowRow) {
        var policy = BatchPolicy()
        policy.maximumRequests = 4
        policy.maximumExpressions = 8
        func instant(_ milliseconds: Int) -> ContinuousClock.Instant {
            Self.start + .milliseconds(milliseconds)
        }
        let entries = row.waiting.map { id, expressions, ready, deadline in
            BatchPolicy.Entry(
                id: id, pictureKey: "\(id)", expressions: expressions, enqueued: Self.start,
                ready: instant(ready), deadline: deadline.map(instant))
        }
        let load = BatchPolicy.Load(
            arriving: row.arriving, serviceTime: row.serviceTime.map { Double($0) / 1_000 })
        let plan = policy.plan(entries, load: load, now: instant(row.now))
        #expect(plan == BatchPolicy.Plan(batch: row.batch, windowEnd: row.windowEnd.map(instant)))
    }
}

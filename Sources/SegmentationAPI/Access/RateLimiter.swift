import Synchronization

/// A token bucket for each API key: `burst` requests at once, then one whenever the rate grants it.
public final class RateLimiter: Sendable {
    private struct Bucket: Sendable {
        var tokens: Double
        var filledAt: ContinuousClock.Instant
    }

    private let tokensPerSecond: Double
    private let capacity: Double
    /// By the key's name: as many as the key file has.
    private let buckets = Mutex<[String: Bucket]>([:])

    /// - Parameters:
    ///   - perMinute: requests a minute in the long run, at least 1.
    ///   - burst: requests that may come at once after a pause, at least 1.
    public init(perMinute: Int, burst: Int) {
        tokensPerSecond = Double(perMinute) / 60
        capacity = Double(burst)
    }

    /// Takes one request off the key's allowance.
    /// - Returns: nil when it may go ahead, else the seconds until one may.
    package func take(_ name: String, now: ContinuousClock.Instant = .now) -> Double? {
        buckets.withLock { buckets in
            var bucket = buckets[name] ?? Bucket(tokens: capacity, filledAt: now)
            let earned = max(0, (now - bucket.filledAt).seconds) * tokensPerSecond
            bucket.tokens = min(capacity, bucket.tokens + earned)
            bucket.filledAt = max(now, bucket.filledAt)
            let mayGo = bucket.tokens >= 1
            if mayGo { bucket.tokens -= 1 }
            buckets[name] = bucket
            return mayGo ? nil : (1 - bucket.tokens) / tokensPerSecond
        }
    }
}

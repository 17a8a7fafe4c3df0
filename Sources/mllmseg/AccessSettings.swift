import SegmentationAPI

/// Who may ask, from where, and how often.
struct AccessSettings {
    /// Nil: everyone may ask.
    var apiKeysPath: String?
    var limiter: RateLimiter?

    private enum OverloadStatus: String, CaseIterable {
        case tooManyRequests = "429"
        case serviceUnavailable = "503"
    }

    init(
        _ options: ServeOptions, _ reader: inout SettingsReader, into service: inout ServiceConfiguration
    ) throws(CommandFailure) {
        apiKeysPath = reader.optionalText(options.apiKeys, Setting("api-keys"), shown: "none")
        let rate = try reader.integer(options.rateLimit, Setting("rate-limit"), default: 0, in: 0...1_000_000)
        let burst = try reader.integer(
            options.rateBurst, Setting("rate-burst"), default: 10, in: 1...1_000_000)
        if rate > 0 {
            guard apiKeysPath != nil else {
                throw CommandFailure("--rate-limit counts by API key: it needs --api-keys")
            }
            limiter = RateLimiter(perMinute: rate, burst: burst)
        }
        service.crossOrigin = try reader.parsed(
            options.corsOrigin, Setting("cors-origin"), shown: "none",
            allowed: "* or origins like https://example.org", parse: { CrossOriginPolicy($0) })
        let overload = try reader.choice(
            options.overloadStatus, Setting("overload-status"), default: OverloadStatus.tooManyRequests)
        service.overloadStatus = overload == .tooManyRequests ? 429 : 503
    }
}

import Segmentation

/// Adds up the seconds that each stage of one request took.
struct StageClock {
    private(set) var timings = StageTimings()

    mutating func add(_ seconds: Double, to stage: WritableKeyPath<StageTimings, Double>) {
        timings[keyPath: stage] += seconds
    }

    mutating func measure<Result, Failure: Error>(
        _ stage: WritableKeyPath<StageTimings, Double>, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let clock = ContinuousClock()
        let start = clock.now
        defer { timings[keyPath: stage] += clock.now - start }
        return try body()
    }
}

extension Double {
    fileprivate static func += (seconds: inout Double, duration: Duration) {
        let (whole, attoseconds) = duration.components
        seconds += Double(whole) + Double(attoseconds) * 1e-18
    }
}

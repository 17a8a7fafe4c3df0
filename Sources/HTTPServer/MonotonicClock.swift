import Glibc

enum MonotonicClock {
    /// Nanoseconds of CLOCK_MONOTONIC.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// The Date field's text, made once a second. Owner: the connection loop.
struct DateCache {
    private var second = 0
    private var text = ""

    mutating func current(format: (Int) -> String) -> String {
        let now = time(nil)
        if now != second || text.isEmpty {
            second = now
            text = format(now)
        }
        return text
    }
}

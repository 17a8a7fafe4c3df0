import Glibc

/// The `process_*` families that Prometheus clients share, read from /proc and getrlimit at each rendering.
public struct ProcessMetrics: Sendable {
    private let processorSeconds: Counter
    private let residentBytes: Gauge
    private let virtualBytes: Gauge
    private let openDescriptors: Gauge
    private let maximumDescriptors: Gauge
    private let startTime: Gauge

    /// Adds the families to `registry`.
    public static func register(in registry: MetricsRegistry) {
        let metrics = ProcessMetrics(registry)
        registry.beforeRendering { metrics.collect() }
    }

    private init(_ registry: MetricsRegistry) {
        processorSeconds = registry.counter(
            "process_cpu_seconds_total", "User and system CPU time spent, in seconds.")
        residentBytes = registry.gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
        virtualBytes = registry.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.")
        openDescriptors = registry.gauge("process_open_fds", "Number of open file descriptors.")
        maximumDescriptors = registry.gauge("process_max_fds", "Largest number of open file descriptors.")
        startTime = registry.gauge(
            "process_start_time_seconds", "Start of the process in seconds since the epoch.")
        startTime.set(Self.startOfProcess())
    }

    private func collect() {
        var usage = rusage()
        if getrusage(RUSAGE_SELF.rawValue, &usage) == 0 {
            processorSeconds.set(total: Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime))
        }
        if let pages = Self.memoryPages() {
            let pageSize = Double(sysconf(Int32(_SC_PAGESIZE)))
            virtualBytes.set(pages.total * pageSize)
            residentBytes.set(pages.resident * pageSize)
        }
        if let count = Self.descriptorCount() { openDescriptors.set(Double(count)) }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            maximumDescriptors.set(Double(limit.rlim_cur))
        }
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
    }

    /// The first two numbers of /proc/self/statm.
    private static func memoryPages() -> (total: Double, resident: Double)? {
        let fields = numbers(inFile: "/proc/self/statm")
        return fields.count >= 2 ? (fields[0], fields[1]) : nil
    }

    /// Entries of /proc/self/fd, without the one that reading it opens.
    private static func descriptorCount() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var entries = 0
        while readdir(folder) != nil { entries += 1 }
        return max(0, entries - 3)
    }

    /// Now, less what the process has been running: the clock of field 22 of /proc/self/stat is the uptime's.
    private static func startOfProcess() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let realtime = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
        guard let uptime = numbers(inFile: "/proc/uptime").first else { return realtime }
        // Field 2 is the command in parentheses and may hold spaces: count from the closing one.
        let text = contents(ofFile: "/proc/self/stat")
        guard let close = text.lastIndex(of: UInt8(ascii: ")")) else { return realtime }
        let fields = numbers(in: text[(close + 1)...])
        // The state letter isn't a number, so field 22 is number 18 (from 0) after it.
        guard fields.count > 18 else { return realtime }
        return realtime - uptime + fields[18] / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func numbers(inFile path: String) -> [Double] { numbers(in: contents(ofFile: path)[...]) }

    private static func numbers(in text: ArraySlice<UInt8>) -> [Double] {
        text.split(whereSeparator: { $0 == 0x20 || $0 == 0x0A })
            .compactMap { Double(String(decoding: $0, as: UTF8.self)) }
    }

    private static func contents(ofFile path: String) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : []
    }
}

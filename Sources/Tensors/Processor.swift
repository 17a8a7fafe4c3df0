import CKernels
import Glibc

/// What this process may use of the machine.
public enum Processor {
    /// Threads worth running: the affinity mask, cut by the control group's CPU quota (rounded up).
    public static var usableThreads: Int {
        let affinity = Int(kernel_usable_processors())
        return max(1, min(affinity, quota ?? affinity))
    }

    /// The kernel type that OpenBLAS should run here. Releases older than the processor fall back to SSE3
    /// kernels, ten times slower, when they don't know its name; these two need only the instructions.
    public static var openBLASCoreType: String? {
        switch kernel_processor_level() {
        case 4: "SkylakeX"
        case 3: "Haswell"
        default: nil
        }
    }

    /// CPUs granted by cgroup v2 `cpu.max` or v1 `cpu.cfs_quota_us`, nil when unlimited.
    static var quota: Int? {
        if let text = contents("/sys/fs/cgroup/cpu.max") { return quota(cpuMax: text) }
        guard let granted = contents("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
            let period = contents("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
        else { return nil }
        return quota(cpuMax: granted + " " + period)
    }

    /// Reads "max 100000" or "150000 100000" (microseconds of CPU time in each period).
    package static func quota(cpuMax text: String) -> Int? {
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count == 2, let granted = Int(fields[0]), let period = Int(fields[1]), granted > 0,
            period > 0
        else { return nil }
        return (granted + period - 1) / period
    }

    private static func contents(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 128)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }
}

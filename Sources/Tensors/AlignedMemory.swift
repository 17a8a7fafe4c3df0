import Glibc

/// Memory for numbers, aligned to a cache line. Large pieces ask for huge pages: products read weights from end to
/// end, and those of a few rows wait less for page tables then (up to 13% less time; Benchmarks' LOG.md).
enum AlignedMemory {
    private static let hugePage = 2 << 20

    /// Not cleared; given back by `free`.
    static func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
        let count = max(count, 1)
        let bytes = count * MemoryLayout<Float>.stride
        let isLarge = bytes >= 2 * hugePage
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isLarge ? hugePage : 64)
        // A system that has none says so, and nothing is lost.
        if isLarge { _ = madvise(raw, bytes, MADV_HUGEPAGE) }
        return raw.bindMemory(to: Float.self, capacity: count)
    }

    static func free(_ pointer: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(pointer).deallocate()
    }
}

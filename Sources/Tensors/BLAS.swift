import COpenBLAS

/// The one door to OpenBLAS.
public enum BLAS {
    /// Opens the library with the kernels this processor deserves. Safe to call often.
    public static func open() throws(BLASError) {
        if let message = opened { throw BLASError(message: message) }
    }

    /// The kernel type in use, for logs.
    public static var coreName: String { String(cString: openblas_core_name()) }

    private static let opened: String? = openblas_open(Processor.openBLASCoreType).map { String(cString: $0) }

    /// `out = scale * a x b + keep * out` on the calling thread; a `[m, k]`, b `[k, n]`, or `[n, k]` when
    /// `transposed`, out `[m, n]`.
    @inline(__always)
    public static func multiply(
        _ a: Matrix, _ b: Matrix, transposed: Bool, scale: Float = 1, keep: Float = 0, into out: Matrix
    ) {
        let inner = transposed ? b.columns : b.rows
        let outer = transposed ? b.rows : b.columns
        precondition(a.columns == inner && out.rows == a.rows && out.columns == outer, "shapes must chain")
        guard out.rows > 0 && out.columns > 0 else { return }
        openblas_multiply(
            transposed ? 1 : 0, Int32(a.rows), Int32(outer), Int32(inner), scale, a.pointer, Int32(a.stride),
            b.pointer, Int32(b.stride), keep, out.pointer, Int32(out.stride))
    }
}

/// OpenBLAS could not be opened.
public struct BLASError: Error, CustomStringConvertible {
    public let message: String
    public var description: String {
        "OpenBLAS could not be opened (install libopenblas0-pthread or libopenblas-dev): \(message)"
    }
}

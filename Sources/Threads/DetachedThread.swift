import Glibc

/// POSIX threads that are nobody else's: the model blocks one for seconds, which neither a Dispatch queue nor the
/// cooperative pool may suffer.
public enum DetachedThread {
    /// Enough for deep layer recursion.
    private static let stackBytes = 16 << 20

    /// Starts `body` on a new thread that nobody joins; returns 0, or pthread_create's error number when the
    /// system has no thread to give.
    public static func start(_ body: @escaping @Sendable () -> Void) -> Int32 {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let box = Unmanaged.passRetained(Body(run: body))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                body.run()
                return nil
            }, box.toOpaque())
        if status != 0 { box.release() }
        return status
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }
}

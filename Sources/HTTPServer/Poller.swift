import CSockets
import Glibc

/// An epoll descriptor. Owner: the connection loop; used on its queue only.
///
/// One Dispatch source watches this descriptor instead of one source (or two) for every connection: an
/// idle connection then costs no source, and a busy one no re-arming for every read. Unlike a read source,
/// epoll also tells that a client has left while its bytes are left unread (EPOLLRDHUP).
struct Poller {
    struct Interest: OptionSet {
        let rawValue: UInt32
        static let read = Interest(rawValue: EPOLLIN.rawValue)
        static let write = Interest(rawValue: EPOLLOUT.rawValue)
        static let peerClose = Interest(rawValue: EPOLLRDHUP.rawValue)
        /// Always reported: the connection is broken, or closed on both sides.
        static let hangUp = Interest(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
    }

    struct Event {
        var token: UInt64
        var ready: Interest
    }

    let descriptor: Int32
    private var buffer = [epoll_event](repeating: epoll_event(), count: 256)

    init() throws(HTTPServerError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .system(operation: "epoll_create1", code: errno) }
    }

    func add(_ watched: Int32, _ interest: Interest, token: UInt64) -> Bool {
        control(EPOLL_CTL_ADD, watched, interest, token)
    }

    func change(_ watched: Int32, _ interest: Interest, token: UInt64) {
        _ = control(EPOLL_CTL_MOD, watched, interest, token)
    }

    func remove(_ watched: Int32) {
        _ = control(EPOLL_CTL_DEL, watched, [], 0)
    }

    private func control(_ operation: Int32, _ watched: Int32, _ interest: Interest, _ token: UInt64) -> Bool
    {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = token
        return epoll_ctl(descriptor, operation, watched, &event) == 0
    }

    /// What is ready now; never waits.
    mutating func ready(_ events: inout [Event]) {
        events.removeAll(keepingCapacity: true)
        let count = epoll_wait(descriptor, &buffer, Int32(buffer.count), 0)
        guard count > 0 else { return }
        for index in 0..<Int(count) {
            let event = buffer[index]
            events.append(Event(token: event.data.u64, ready: Interest(rawValue: event.events)))
        }
    }

    func close() {
        Glibc.close(descriptor)
    }
}

import Glibc

/// A blocking TCP client that sends exactly the bytes it is told to.
final class LoopbackClient {
    let descriptor: Int32
    private var isOpen = true

    struct Failure: Error { let operation: String }

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(operation: "socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(operation: "connect") }
        setTimeout(seconds: 30)
    }

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw Failure(operation: "connect") }
        setTimeout(seconds: 30)
    }

    deinit { if isOpen { close(descriptor) } }

    private func setTimeout(seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// - Returns: false when the server has stopped reading.
    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes with a reset instead of an orderly end.
    func resetConnection() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close(descriptor)
        isOpen = false
    }

    /// What comes next; empty at the end, nil after half a minute of silence or a reset.
    func receive() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = read(descriptor, &buffer, buffer.count)
        return count >= 0 ? Array(buffer[..<count]) : nil
    }

    /// Everything until the server closes.
    func receiveAll() -> String {
        var all: [UInt8] = []
        while let bytes = receive(), !bytes.isEmpty { all += bytes }
        return String(decoding: all, as: UTF8.self)
    }

    /// True when the server closes, or resets, without another byte; false after half a minute of silence.
    func isClosed() -> Bool {
        if let bytes = receive() { return bytes.isEmpty }
        return errno == ECONNRESET
    }

    struct Response {
        var status: Int
        var head: String
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
        var closes: Bool { head.contains("Connection: close") }
    }

    private var pending: [UInt8] = []

    /// Reads one response with Content-Length or chunked coding.
    func response(toHEAD: Bool = false) -> Response? {
        while true {
            if let end = Self.find("\r\n\r\n", in: pending) {
                let head = String(decoding: pending[..<end], as: UTF8.self)
                let status = Int(head.dropFirst(9).prefix(3)) ?? 0
                let body = end + 4
                if toHEAD || status == 204 || status == 304 || status == 100 {
                    pending.removeFirst(body)
                    return Response(status: status, head: head, body: [])
                }
                if let length = Self.field("Content-Length: ", of: head).flatMap({ Int($0) }) {
                    if pending.count >= body + length {
                        let bytes = Array(pending[body..<(body + length)])
                        pending.removeFirst(body + length)
                        return Response(status: status, head: head, body: bytes)
                    }
                } else if let last = Self.find("0\r\n\r\n", in: pending) {
                    let bytes = Array(pending[body..<last])
                    pending.removeFirst(last + 5)
                    return Response(status: status, head: head, body: bytes)
                }
            }
            guard let bytes = receive(), !bytes.isEmpty else { return nil }
            pending += bytes
        }
    }

    func exchange(_ text: String) -> Response? {
        send(text)
        return response()
    }

    static func field(_ name: String, of head: String) -> String? {
        head.split(separator: "\r\n").first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) }
    }

    private static func find(_ text: String, in bytes: [UInt8]) -> Int? {
        let pattern = Array(text.utf8)
        guard bytes.count >= pattern.count else { return nil }
        return (0...(bytes.count - pattern.count)).first {
            bytes[$0..<($0 + pattern.count)].elementsEqual(pattern)
        }
    }
}

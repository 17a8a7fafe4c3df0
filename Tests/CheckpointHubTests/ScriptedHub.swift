import Dispatch
import Glibc
import Synchronization

/// A server on loopback that answers each connection as the test says, well or badly.
final class ScriptedHub: Sendable {
    struct Request: Sendable {
        var target: String
        var text: String

        /// First byte asked for, 0 without a Range field.
        var offset: Int {
            guard let range = text.split(separator: "\r\n").first(where: { $0.hasPrefix("Range: bytes=") })
            else { return 0 }
            return Int(range.dropFirst("Range: bytes=".count).prefix { $0 != "-" }) ?? 0
        }
    }

    let port: UInt16
    private let descriptor: Int32
    private let seen = Mutex<[Request]>([])

    var requests: [Request] { seen.withLock { $0 } }
    var base: String { "http://127.0.0.1:\(port)" }

    /// `answer` gives the raw bytes to send; the connection is closed after them.
    init(answer: @escaping @Sendable (Request, _ count: Int) -> [UInt8]) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard bound else { throw ScriptError.noSocket }
        self.descriptor = descriptor
        port = UInt16(bigEndian: address.sin_port)
        DispatchQueue.global().async { [self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { break }
                serve(connection, answer)
                close(connection)
            }
            close(descriptor)
        }
    }

    /// Ends the thread, which closes the socket itself: closed here, its number could be the next hub's while the
    /// thread still accepts on it.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private func serve(_ connection: Int32, _ answer: (Request, Int) -> [UInt8]) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while !String(decoding: bytes, as: UTF8.self).contains("\r\n\r\n") {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            bytes += buffer.prefix(count)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let target = text.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let request = Request(target: target, text: text)
        let count = seen.withLock { seen in
            seen.append(request)
            return seen.count { $0.target == target }
        }
        let reply = answer(request, count)
        var sent = 0
        while sent < reply.count {
            let more = reply.withUnsafeBytes {
                send(connection, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard more > 0 else { return }
            sent += more
        }
    }
}

enum ScriptError: Error {
    case noSocket
}

/// A whole reply with a length.
func reply(
    _ status: String, _ body: [UInt8] = [], headers: [String] = [], cutAfter: Int? = nil
) -> [UInt8] {
    let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + headers
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body.prefix(cutAfter ?? body.count)
}

import Foundation
import Glibc

/// `mllmseg serve` on a free port.
/// Unchecked: clients on several threads read the port only.
final class RunningServer: @unchecked Sendable {
    let process: Process
    let port: UInt16
    private let output = Pipe()
    private let errors = Pipe()

    /// Returns when the server has said that it is ready; nil when it ended instead.
    init?(_ arguments: [String] = [], environment: [String: String] = [:]) throws {
        process = Program.process(
            ["serve", "--port", "0", "--model", Program.model] + arguments, environment)
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        var text = ""
        while !text.contains("ready") || !text.hasSuffix("\n") {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { return nil }
            text += String(decoding: data, as: UTF8.self)
        }
        // 0 when it listens on a unix-domain socket.
        port = text.split(separator: ":").last.flatMap { UInt16($0.prefix(while: \.isNumber)) } ?? 0
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// Asks it to end; the exit status and what it wrote to standard error.
    func terminate() -> (status: Int32, log: String) {
        process.terminate()
        let log = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: log, as: UTF8.self))
    }

    func exchange(_ head: String, _ body: [UInt8] = []) -> [UInt8]? { Tap(port: port).exchange(head, body) }

    func text(_ head: String, _ body: [UInt8] = []) -> String { Tap(port: port).text(head, body) }
}

extension RunningServer {
    /// A client of one port.
    struct Tap {
        let port: UInt16

        /// One request on a connection of its own; nil when the connection is refused, else all bytes up to the
        /// end of the connection.
        func exchange(_ head: String, _ body: [UInt8] = []) -> [UInt8]? {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { return nil }
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard connected == 0 else { return nil }
            return RunningServer.exchange(on: descriptor, head, body)
        }

        func text(_ head: String, _ body: [UInt8] = []) -> String {
            String(decoding: exchange(head, body) ?? [], as: UTF8.self)
        }
    }

    /// The same over a unix-domain socket.
    static func exchange(unix path: String, _ head: String) -> [UInt8]? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return connected == 0 ? exchange(on: descriptor, head, []) : nil
    }

    private static func exchange(on descriptor: Int32, _ head: String, _ body: [UInt8]) -> [UInt8] {
        let request =
            Array(
                (head + "\r\nHost: test\r\nConnection: close\r\nContent-Length: \(body.count)\r\n\r\n").utf8)
            + body
        var sent = 0
        while sent < request.count {
            let count = request.withUnsafeBytes {
                send(
                    descriptor, $0.baseAddress?.advanced(by: sent), request.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return [] }
            sent += count
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return answer }
            answer += buffer[..<count]
        }
    }
}

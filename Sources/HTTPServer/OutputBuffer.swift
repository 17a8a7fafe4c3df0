import Glibc

/// Bytes on their way to a socket, in the pieces in which they were made. Owner: one connection.
struct OutputBuffer {
    private var pieces: [[UInt8]] = []
    /// How much of the first piece has gone.
    private var offset = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ piece: [UInt8]) {
        guard !piece.isEmpty else { return }
        pieces.append(piece)
        count += piece.count
    }

    mutating func removeAll() {
        pieces = []
        offset = 0
        count = 0
    }

    /// Offers the bytes to `write`, one piece at a time, until it takes fewer than it was offered.
    /// - Returns: how many bytes were taken, and the last thing `write` said when that was no success.
    mutating func drain(
        _ write: (UnsafeBufferPointer<UInt8>) -> TransferResult
    ) -> (taken: Int, stopped: TransferResult?) {
        var taken = 0
        while let first = pieces.first {
            let start = offset
            let result = first.withUnsafeBufferPointer { write(UnsafeBufferPointer(rebasing: $0[start...])) }
            guard case .bytes(let written) = result else { return (taken, result) }
            taken += written
            count -= written
            offset += written
            guard offset == first.count else { continue }
            pieces.removeFirst()
            offset = 0
        }
        return (taken, nil)
    }
}

/// What a non-blocking read or write came to.
enum TransferResult {
    case bytes(Int)
    case wouldBlock
    /// A read that has to write first, as a TLS handshake may.
    case wouldBlockOnWrite
    case end
    case failed
}

/// Read and write on a plain socket.
enum PlainTransport {
    static func read(_ descriptor: Int32, _ buffer: UnsafeMutableBufferPointer<UInt8>) -> TransferResult {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            if errno == EINTR { continue }
            return errno == EAGAIN ? .wouldBlock : .failed
        }
    }

    static func write(_ descriptor: Int32, _ buffer: UnsafeBufferPointer<UInt8>) -> TransferResult {
        while true {
            let count = send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .bytes(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN ? .wouldBlock : .failed
        }
    }
}

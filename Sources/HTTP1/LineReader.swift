/// Gathers one CRLF-ended line from bytes that arrive in any pieces. Strict, because every leniency here
/// has been a smuggling bug somewhere: a bare LF, a bare CR and control bytes are refused at their byte.
struct LineReader: Sendable {
    /// The line without its end; whole once `read` has returned true.
    private(set) var line: [UInt8] = []
    private var sawCarriageReturn = false

    var isEmpty: Bool { line.isEmpty && !sawCarriageReturn }

    mutating func reset() {
        line.removeAll(keepingCapacity: true)
        sawCarriageReturn = false
    }

    /// Gives the memory back, for a connection that waits.
    mutating func release() {
        line = []
        sawCarriageReturn = false
    }

    /// Takes bytes from `position` on, up to and with one line end. The caller resets after a whole line.
    /// - Returns: true when the line is whole; false when more bytes are needed.
    /// - Throws: `tooLong` at the first byte past `limit`, or the fault of a forbidden byte.
    mutating func read(
        _ bytes: Span<UInt8>, from position: inout Int, limit: Int, tooLong: HTTPRequestFault
    ) throws(HTTPRequestFault) -> Bool {
        let room = limit - line.count
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if sawCarriageReturn {
                guard byte == ByteSyntax.lineFeed else { throw .bareCarriageReturn }
                position += 1
                return true
            }
            if byte == ByteSyntax.carriageReturn {
                append(bytes, from: start, to: position)
                sawCarriageReturn = true
                position += 1
                continue
            }
            guard byte != ByteSyntax.lineFeed else { throw .bareLineFeed }
            guard !ByteSyntax.isForbiddenControl(byte) else { throw .controlByte(byte) }
            guard position - start < room else { throw tooLong }
            position += 1
        }
        if !sawCarriageReturn { append(bytes, from: start, to: position) }
        return false
    }

    private mutating func append(_ bytes: Span<UInt8>, from start: Int, to end: Int) {
        bytes.extracting(start..<end).withUnsafeBufferPointer { line.append(contentsOf: $0) }
    }
}

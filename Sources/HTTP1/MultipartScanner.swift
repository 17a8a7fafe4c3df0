import Glibc

/// Finds the parts of a multipart body (RFC 2046 section 5.1) in a buffer that may still grow: the core
/// beneath `MultipartParser` and `MultipartDecoder`. It copies no body bytes and says what lies where.
struct MultipartScanner: Sendable {
    enum Event: Sendable, Equatable {
        /// Nothing before `position` is needed any more.
        case needMoreBytes
        case partBegan(MultipartPartHead)
        /// Bytes of the current part, as positions in the buffer.
        case partBytes(Range<Int>)
        case partEnded
        case finished
    }

    private enum Stage {
        case start
        case preamble
        case partHead
        case bodyStart
        case partBody
        case partEnd(isLast: Bool)
        case epilogue
        case finished
    }

    private enum Boundary {
        case none
        case undecided
        case delimiter(end: Int)
        case final(end: Int)
    }

    /// CR LF "--" boundary
    private let delimiter: [UInt8]
    private let limits: MultipartLimits
    private var stage = Stage.start
    private var parts = 0
    private var preambleBytes = 0
    private var epilogueBytes = 0
    /// How far the buffer has been used; the owner of the buffer may cut off what lies before.
    private(set) var position = 0

    init(boundary: String, limits: MultipartLimits) throws(MultipartError) {
        guard MultipartBoundary.isValid(boundary) else { throw .invalidBoundary }
        delimiter = Array("\r\n--\(boundary)".utf8)
        self.limits = limits
    }

    /// The owner has cut off everything before `position`.
    mutating func didDiscardUsedBytes() {
        position = 0
    }

    /// - Parameter isWhole: no byte will follow those in `bytes`.
    mutating func next(in bytes: Span<UInt8>, isWhole: Bool) throws(MultipartError) -> Event {
        while true {
            switch stage {
            case .start: if try !scanStart(bytes, isWhole) { return .needMoreBytes }
            case .preamble: if try !scanPreamble(bytes, isWhole) { return .needMoreBytes }
            case .partHead:
                guard let head = try scanPartHead(bytes, isWhole) else { return .needMoreBytes }
                return .partBegan(head)
            case .bodyStart: if !scanBodyStart(bytes, isWhole) { return .needMoreBytes }
            case .partBody:
                guard let data = try scanPartBody(bytes, isWhole) else { return .needMoreBytes }
                if !data.isEmpty { return .partBytes(data) }
            case .partEnd(let isLast):
                stage = isLast ? .epilogue : .partHead
                return .partEnded
            case .epilogue:
                epilogueBytes += bytes.count - position
                position = bytes.count
                guard epilogueBytes <= limits.epilogueBytes else {
                    throw .epilogueTooLong(limit: limits.epilogueBytes)
                }
                guard isWhole else { return .needMoreBytes }
                stage = .finished
            case .finished: return .finished
            }
        }
    }

    /// The first delimiter may stand at the very start, without its CRLF.
    private mutating func scanStart(_ bytes: Span<UInt8>, _ isWhole: Bool) throws(MultipartError) -> Bool {
        switch boundaryAtLineStart(in: bytes, isWhole) {
        case .none: stage = .preamble
        case .undecided: return false
        case .delimiter(let end): begin(.partHead, at: end)
        case .final(let end): begin(.epilogue, at: end)
        }
        return true
    }

    private mutating func scanPreamble(_ bytes: Span<UInt8>, _ isWhole: Bool) throws(MultipartError) -> Bool {
        let found = findBoundary(in: bytes, isWhole)
        preambleBytes += found.dataEnd - position
        position = found.dataEnd
        guard preambleBytes <= limits.preambleBytes else {
            throw .preambleTooLong(limit: limits.preambleBytes)
        }
        switch found.boundary {
        case .delimiter(let end): begin(.partHead, at: end)
        case .final(let end): begin(.epilogue, at: end)
        case .none, .undecided:
            if isWhole { throw .missingBoundaryLine }
            return false
        }
        return true
    }

    private mutating func scanPartHead(
        _ bytes: Span<UInt8>, _ isWhole: Bool
    ) throws(MultipartError) -> MultipartPartHead? {
        var reader = LineReader()
        var headers = HTTPHeaders()
        var cursor = position
        while true {
            let room = limits.partHeaderBytes - (cursor - position) - 2
            let tooLong = HTTPRequestFault.headersTooLarge(limit: limits.partHeaderBytes)
            do {
                guard try reader.read(bytes, from: &cursor, limit: room, tooLong: tooLong) else {
                    if isWhole { throw MultipartError.missingFinalBoundary }
                    return nil
                }
                if reader.line.isEmpty { break }
                guard headers.fields.count < limits.partHeaderCount else {
                    throw MultipartError.tooManyPartHeaders(limit: limits.partHeaderCount)
                }
                let field = try FieldLine.parse(reader.line[...])
                headers.append(field.name, field.value)
                reader.reset()
            } catch let error as MultipartError {
                throw error
            } catch {
                throw (error as? HTTPRequestFault) == tooLong
                    ? .partHeadersTooLarge(limit: limits.partHeaderBytes) : .malformedPartHeader
            }
        }
        let head = try MultipartPartHead(headers)
        guard parts < limits.parts else { throw .tooManyParts(limit: limits.parts) }
        parts += 1
        position = cursor
        stage = .bodyStart
        return head
    }

    /// Right behind a part's head the empty line's CRLF may be the delimiter's own: a part without a body.
    private mutating func scanBodyStart(_ bytes: Span<UInt8>, _ isWhole: Bool) -> Bool {
        switch boundaryAtLineStart(in: bytes, isWhole) {
        case .none: stage = .partBody
        case .undecided: return false
        case .delimiter(let end): begin(.partEnd(isLast: false), at: end)
        case .final(let end): begin(.partEnd(isLast: true), at: end)
        }
        return true
    }

    /// - Returns: the bytes that belong to the part; nil when more are needed.
    private mutating func scanPartBody(
        _ bytes: Span<UInt8>, _ isWhole: Bool
    ) throws(MultipartError) -> Range<Int>? {
        let found = findBoundary(in: bytes, isWhole)
        let data = position..<found.dataEnd
        switch found.boundary {
        case .delimiter(let end): begin(.partEnd(isLast: false), at: end)
        case .final(let end): begin(.partEnd(isLast: true), at: end)
        case .none, .undecided:
            if isWhole { throw .missingFinalBoundary }
            position = found.dataEnd
            return data.isEmpty ? nil : data
        }
        return data
    }

    private mutating func begin(_ next: Stage, at end: Int) {
        position = end
        stage = next
    }

    /// The first delimiter line at or after `position`. Bytes before `dataEnd` are certainly not part of one.
    private func findBoundary(in bytes: Span<UInt8>, _ isWhole: Bool) -> (dataEnd: Int, boundary: Boundary) {
        var from = position
        while let start = firstDelimiter(in: bytes, from: from) {
            let boundary = boundary(in: bytes, after: start + delimiter.count, isWhole)
            if case .none = boundary {
                from = start + 2
                continue
            }
            return (start, boundary)
        }
        // The end of the buffer may hold the beginning of a delimiter.
        var tail = max(from, bytes.count - delimiter.count + 1)
        while tail < bytes.count && !matchesDelimiterPrefix(bytes, from: tail) { tail += 1 }
        return (tail, .none)
    }

    /// A delimiter without its CRLF, at `position`.
    private func boundaryAtLineStart(in bytes: Span<UInt8>, _ isWhole: Bool) -> Boundary {
        let dashBoundary = delimiter.count - 2
        let available = min(bytes.count - position, dashBoundary)
        for index in 0..<available where bytes[position + index] != delimiter[index + 2] { return .none }
        guard available == dashBoundary else { return isWhole ? .none : .undecided }
        return boundary(in: bytes, after: position + dashBoundary, isWhole)
    }

    private func firstDelimiter(in bytes: Span<UInt8>, from: Int) -> Int? {
        bytes.withUnsafeBufferPointer { buffer -> Int? in
            guard let base = buffer.baseAddress else { return nil }
            var start = from
            while start + delimiter.count <= buffer.count {
                let room = buffer.count - delimiter.count + 1 - start
                guard let found = memchr(base + start, Int32(ByteSyntax.carriageReturn), room) else {
                    return nil
                }
                start = UnsafeRawPointer(base).distance(to: UnsafeRawPointer(found))
                if memcmp(found, delimiter, delimiter.count) == 0 { return start }
                start += 1
            }
            return nil
        }
    }

    private func matchesDelimiterPrefix(_ bytes: Span<UInt8>, from start: Int) -> Bool {
        for index in start..<bytes.count where bytes[index] != delimiter[index - start] { return false }
        return true
    }

    /// What stands behind "--boundary": only blanks and CRLF make it a delimiter, only "--" the final one;
    /// anything else is data that happens to begin like a delimiter.
    private func boundary(in bytes: Span<UInt8>, after end: Int, _ isWhole: Bool) -> Boundary {
        guard end < bytes.count else { return isWhole ? .none : .undecided }
        if bytes[end] == UInt8(ascii: "-") {
            guard end + 1 < bytes.count else { return isWhole ? .none : .undecided }
            return bytes[end + 1] == UInt8(ascii: "-") ? .final(end: end + 2) : .none
        }
        var cursor = end
        while cursor < bytes.count && cursor - end <= limits.paddingBytes && ByteSyntax.isBlank(bytes[cursor])
        {
            cursor += 1
        }
        guard cursor - end <= limits.paddingBytes else { return .none }
        guard cursor < bytes.count else { return isWhole ? .none : .undecided }
        guard bytes[cursor] == ByteSyntax.carriageReturn else { return .none }
        guard cursor + 1 < bytes.count else { return isWhole ? .none : .undecided }
        return bytes[cursor + 1] == ByteSyntax.lineFeed ? .delimiter(end: cursor + 2) : .none
    }
}

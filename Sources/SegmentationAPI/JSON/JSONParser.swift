/// Why bytes are no JSON text that we read.
public enum JSONError: Error, Sendable, Equatable {
    /// Offset in bytes of what wasn't expected there.
    case unexpected(offset: Int)
    /// The text ends in the middle.
    case truncated
    /// Arrays and objects are nested deeper than allowed.
    case tooDeep(limit: Int)
    /// More values than allowed: a few bytes of text would become many times that in memory.
    case tooManyValues(limit: Int)
    /// Two members of one object have the same name.
    case duplicateName(String)
    /// A string isn't UTF-8 or escapes half a surrogate pair.
    case badString(offset: Int)
}

/// Reads a JSON text (RFC 8259) strictly: UTF-8 only, no duplicate names, nothing before or after.
public struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let limits: JSONLimits
    private let unread: Set<String>
    private var position = 0
    private var values = 0
    /// Inside a member that isn't kept.
    private var isPassingOver = false

    /// - Parameter unread: members of these names, at any depth, have to be JSON but become null: what nobody reads
    ///   costs no memory and doesn't count as values.
    public static func parse(
        _ bytes: [UInt8], limits: JSONLimits = JSONLimits(), unread: Set<String> = []
    ) throws(JSONError) -> JSONValue {
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<JSONValue, JSONError> in
            var parser = JSONParser(bytes: buffer, limits: limits, unread: unread)
            do throws(JSONError) {
                return .success(try parser.document())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits, unread: Set<String>) {
        self.bytes = bytes
        self.limits = limits
        self.unread = unread
    }

    private mutating func document() throws(JSONError) -> JSONValue {
        let result = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw .unexpected(offset: position) }
        return result
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= limits.depth else { throw .tooDeep(limit: limits.depth) }
        if !isPassingOver { values += 1 }
        guard values <= limits.values else { throw .tooManyValues(limit: limits.values) }
        skipSpace()
        switch try peek() {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var members: [JSONMember] = []
        var names: Set<String> = []
        if try closes(with: UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipSpace()
            guard try peek() == UInt8(ascii: "\"") else { throw .unexpected(offset: position) }
            let name = try string()
            guard isPassingOver || names.insert(name).inserted else { throw .duplicateName(name) }
            skipSpace()
            guard try peek() == UInt8(ascii: ":") else { throw .unexpected(offset: position) }
            position += 1
            let value = try member(name, depth: depth + 1)
            if !isPassingOver { members.append(JSONMember(name, value)) }
            if try !continues(orCloses: UInt8(ascii: "}")) { return .object(members) }
        }
    }

    private mutating func member(_ name: String, depth: Int) throws(JSONError) -> JSONValue {
        guard !isPassingOver, unread.contains(name) else { return try value(depth: depth) }
        isPassingOver = true
        defer { isPassingOver = false }
        _ = try value(depth: depth)
        return .null
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        if try closes(with: UInt8(ascii: "]")) { return .array(elements) }
        while true {
            let element = try value(depth: depth + 1)
            if !isPassingOver { elements.append(element) }
            if try !continues(orCloses: UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    private mutating func closes(with bracket: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        guard try peek() == bracket else { return false }
        position += 1
        return true
    }

    private mutating func continues(orCloses bracket: UInt8) throws(JSONError) -> Bool {
        if try closes(with: bracket) { return false }
        guard bytes[position] == UInt8(ascii: ",") else { throw .unexpected(offset: position) }
        position += 1
        return true
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for index in 0..<text.utf8CodeUnitCount {
            guard try peek() == text.utf8Start[index] else { throw .unexpected(offset: position) }
            position += 1
        }
        return value
    }

    /// `[ "-" ] int [ frac ] [ exp ]`, checked before it is converted: Swift's own reader takes "0x1p3" and "nan".
    private mutating func number() throws(JSONError) -> Double {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        let leadingZero = try peek() == UInt8(ascii: "0")
        guard takeDigits() > 0 else { throw .unexpected(offset: position) }
        if leadingZero, position - start > (bytes[start] == UInt8(ascii: "-") ? 2 : 1) {
            throw .unexpected(offset: start)
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            guard takeDigits() > 0 else { throw failure() }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == 0x2B || bytes[position] == 0x2D { position += 1 }
            guard takeDigits() > 0 else { throw failure() }
        }
        if isPassingOver { return 0 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Double(text), value.isFinite else { throw .unexpected(offset: start) }
        return value
    }

    private mutating func takeDigits() -> Int {
        let start = position
        while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 { position += 1 }
        return position - start
    }

    private func failure() -> JSONError {
        position < bytes.count ? .unexpected(offset: position) : .truncated
    }

    private func peek() throws(JSONError) -> UInt8 {
        guard position < bytes.count else { throw .truncated }
        return bytes[position]
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func string() throws(JSONError) -> String {
        var reader = JSONStringReader(bytes: bytes, position: position)
        let text = try reader.read()
        position = reader.position
        return text
    }
}

/// Bounds on one JSON text, besides its length.
public struct JSONLimits: Sendable, Equatable {
    /// Arrays and objects inside one another.
    public var depth = 32
    /// Values of any kind.
    public var values = 100_000

    public init() {}
}

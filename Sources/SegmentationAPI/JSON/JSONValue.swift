/// A JSON text as a tree (RFC 8259). Members keep their order.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])
    /// JSON text that is written as it stands: large arrays that would be huge as a tree. Never parsed.
    case encoded([UInt8])

    /// The member called `name`, when this is an object that has one.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The element at `index`, when this is an array that long.
    public subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    public var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    public var array: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    public var number: Double? {
        guard case .number(let value) = self else { return nil }
        return value
    }

    /// A number without fraction that fits.
    public var integer: Int? { number.flatMap { Int(exactly: $0) } }

    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }
}

/// A name and its value in an object.
public struct JSONMember: Sendable, Equatable {
    public var name: String
    public var value: JSONValue

    public init(_ name: String, _ value: JSONValue) {
        self.name = name
        self.value = value
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    public init(stringLiteral value: String) { self = .string(value) }
}

extension JSONValue: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int) { self = .number(Double(value)) }
}

extension JSONValue: ExpressibleByBooleanLiteral {
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSONValue: ExpressibleByNilLiteral {
    public init(nilLiteral: ()) { self = .null }
}

extension JSONValue: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { JSONMember($0.0, $0.1) })
    }
}

extension JSONValue {
    public init(_ value: Int) { self = .number(Double(value)) }

    /// Rounded to six decimals, so that 0.93 as Float doesn't become 0.9300000071525574.
    public init(rounding value: Float) { self = .number((Double(value) * 1e6).rounded() / 1e6) }

    /// Seconds as milliseconds with three decimals.
    public init(millisecondsOf seconds: Double) { self = .number((seconds * 1e6).rounded() / 1e3) }
}

/// Reads BYTES tensors from their JSON descriptions and the blobs that follow the JSON.
struct InputTensorReader {
    private var blobs: ArraySlice<UInt8>

    init(blobs: ArraySlice<UInt8>) {
        self.blobs = blobs
    }

    /// - Parameter base64: the input whose JSON strings are base64; others are plain text.
    mutating func read(
        _ input: JSONValue, base64: String
    ) throws(APIError) -> (name: String, elements: [[UInt8]]) {
        guard let name = input["name"]?.string else {
            throw .wrongType(field: "inputs", expected: "tensors with a name")
        }
        guard input["datatype"]?.string == TensorType.bytes.rawValue else {
            throw .badValue(field: name, allowed: "of datatype BYTES")
        }
        let count = try elementCount(input["shape"], name)
        let elements: [[UInt8]]
        if let size = input["parameters"]?["binary_data_size"] {
            guard let size = size.integer, (0...blobs.count).contains(size) else {
                throw .badValue(field: name, allowed: "as long in binary_data_size as the bytes that follow")
            }
            elements = try split(blobs.prefix(size), name)
            blobs = blobs.dropFirst(size)
        } else {
            var texts: [String] = []
            try flatten(input["data"], name, into: &texts)
            elements = try texts.map { (text) throws(APIError) in
                guard name == base64 else { return Array(text.utf8) }
                guard let bytes = Base64.decode(text) else { throw .notBase64 }
                return bytes
            }
        }
        guard elements.count == count else {
            throw .badValue(field: name, allowed: "as many elements as its shape says (\(count))")
        }
        return (name, elements)
    }

    /// Every blob belongs to an input.
    func finish() throws(APIError) {
        guard blobs.isEmpty else {
            throw .malformed("\(blobs.count) bytes follow the last input")
        }
    }

    private func elementCount(_ shape: JSONValue?, _ name: String) throws(APIError) -> Int {
        guard let sizes = shape?.array, (1...8).contains(sizes.count) else {
            throw .badValue(field: name, allowed: "given with a shape")
        }
        var count = 1
        for size in sizes {
            // A request can't hold more elements than this; small enough that the product never overflows.
            guard let size = size.integer, (0...1 << 20).contains(size), count * size <= 1 << 20 else {
                throw .badValue(field: name, allowed: "given with a shape of whole numbers")
            }
            count *= size
        }
        return count
    }

    /// `data` may be nested as the shape, or flat.
    private func flatten(_ value: JSONValue?, _ name: String, into texts: inout [String]) throws(APIError) {
        switch value {
        case .string(let text)?: texts.append(text)
        case .array(let elements)?: for element in elements { try flatten(element, name, into: &texts) }
        default: throw .wrongType(field: name, expected: "given with data of strings")
        }
    }

    /// Each element is a 32-bit little-endian length and that many bytes.
    private func split(_ blob: ArraySlice<UInt8>, _ name: String) throws(APIError) -> [[UInt8]] {
        var rest = blob
        var elements: [[UInt8]] = []
        while !rest.isEmpty {
            guard rest.count >= 4 else { throw .badValue(field: name, allowed: "made of lengths and bytes") }
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else {
                throw .badValue(field: name, allowed: "made of lengths and bytes")
            }
            elements.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return elements
    }
}

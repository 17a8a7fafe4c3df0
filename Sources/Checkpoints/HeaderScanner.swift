/// Reads the JSON of a safetensors header byte by byte. A general JSON decoder hides duplicate keys, which two
/// readers may take differently, so this one accepts exactly the header's grammar and nothing else.
struct HeaderScanner {
    private let bytes: UnsafeRawBufferPointer
    private let path: String
    private var position = 0

    init(bytes: UnsafeRawBufferPointer, path: String) {
        self.bytes = bytes
        self.path = path
    }

    mutating func entries() throws(CheckpointError) -> [TensorEntry] {
        var entries: [TensorEntry] = []
        var seen: Set<String> = []
        try object { (scanner, key) throws(CheckpointError) in
            guard seen.insert(key).inserted else { throw scanner.invalid("duplicate key \(key)") }
            if key == "__metadata__" {
                try scanner.object { (scanner, _) throws(CheckpointError) in _ = try scanner.string() }
            } else {
                entries.append(try scanner.entry(key))
            }
        }
        skipSpace()
        guard position == bytes.count else { throw invalid("text after the closing brace") }
        return entries
    }

    private mutating func entry(_ key: String) throws(CheckpointError) -> TensorEntry {
        var type: StoredType?
        var shape: [Int]?
        var offsets: [Int]?
        try object { (scanner, field) throws(CheckpointError) in
            switch field {
            case "dtype" where type == nil:
                let name = try scanner.string()
                guard let known = StoredType(rawValue: name) else {
                    throw .malformedTensor(path: scanner.path, key: key, reason: "unsupported dtype \(name)")
                }
                type = known
            case "shape" where shape == nil: shape = try scanner.integers()
            case "data_offsets" where offsets == nil: offsets = try scanner.integers()
            default: throw scanner.invalid("unexpected or repeated field \(field) of tensor \(key)")
            }
        }
        guard let type, let shape, let offsets else {
            throw .malformedTensor(
                path: path, key: key, reason: "dtype, shape and data_offsets are all required")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .malformedTensor(path: path, key: key, reason: "data_offsets \(offsets) are no range")
        }
        return TensorEntry(key: key, type: type, shape: shape, range: offsets[0]..<offsets[1])
    }

    private func invalid(_ reason: String) -> CheckpointError {
        .malformedFile(path: path, reason: "header, byte \(position): \(reason)")
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func next(_ expected: Character) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == expected.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func object(
        _ member: (inout HeaderScanner, String) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        guard next("{") else { throw invalid("expected {") }
        if next("}") { return }
        repeat {
            let key = try string()
            guard next(":") else { throw invalid("expected : after \(key)") }
            try member(&self, key)
        } while next(",")
        guard next("}") else { throw invalid("expected , or }") }
    }

    private mutating func integers() throws(CheckpointError) -> [Int] {
        guard next("[") else { throw invalid("expected [") }
        var values: [Int] = []
        if next("]") { return values }
        repeat { values.append(try integer()) } while next(",")
        guard next("]") else { throw invalid("expected , or ]") }
        guard values.count <= 16 else { throw invalid("more than 16 dimensions") }
        return values
    }

    private mutating func integer() throws(CheckpointError) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, more) = tens.addingReportingOverflow(Int(bytes[position] - 0x30))
            guard !overflow && !more else { throw invalid("number too large") }
            value = sum
            position += 1
        }
        guard position > start else { throw invalid("expected a number that is not negative") }
        return value
    }

    private mutating func string() throws(CheckpointError) -> String {
        guard next("\"") else { throw invalid("expected a string") }
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case 0x22:
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw invalid("string is not UTF-8")
                }
                return string
            case 0x5C: try escape(into: &text)
            case 0..<0x20: throw invalid("control character in a string")
            default: text.append(byte)
            }
        }
        throw invalid("string without end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(CheckpointError) {
        guard position < bytes.count else { throw invalid("string without end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case 0x22, 0x5C, 0x2F: text.append(byte)
        case 0x6E: text.append(0x0A)
        case 0x74: text.append(0x09)
        case 0x72: text.append(0x0D)
        case 0x62: text.append(0x08)
        case 0x66: text.append(0x0C)
        case 0x75:
            // UInt32 alone would take a sign in front.
            guard position + 4 <= bytes.count, bytes[position] != UInt8(ascii: "+"),
                let code = UInt32(
                    String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { throw invalid("bad \\u escape") }
            position += 4
            text.append(contentsOf: String(scalar).utf8)
        default: throw invalid("bad escape")
        }
    }
}

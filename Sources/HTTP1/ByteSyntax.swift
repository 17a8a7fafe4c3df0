/// The character classes of RFC 9110 section 5.6 and RFC 3986, as tests on bytes.
enum ByteSyntax {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20

    private static let token = classTable("!#$%&'*+-.^_`|~")
    private static let host = classTable("-._~!$&'()*+,;=%")

    private static func classTable(_ marks: String) -> [Bool] {
        var table = [Bool](repeating: false, count: 256)
        for byte in marks.utf8 { table[Int(byte)] = true }
        for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { table[Int(byte)] = true }
        for byte in UInt8(ascii: "A")...UInt8(ascii: "Z") {
            table[Int(byte)] = true
            table[Int(byte | 0x20)] = true
        }
        return table
    }

    static func isToken(_ byte: UInt8) -> Bool { token[Int(byte)] }

    /// A byte of a registered name: unreserved, sub-delims or the start of a percent-encoded one.
    static func isHostName(_ byte: UInt8) -> Bool { host[Int(byte)] }

    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// Bytes that no field value may hold: C0 controls but HTAB, and DEL (RFC 9110 section 5.5).
    static func isForbiddenControl(_ byte: UInt8) -> Bool {
        (byte < 0x20 && byte != tab) || byte == 0x7F
    }

    static func lowercase(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }

    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
        !bytes.isEmpty && bytes.allSatisfy { isToken($0) }
    }

    /// ASCII case folding only, as protocol words ask for.
    static func same(_ bytes: some Collection<UInt8>, _ word: String) -> Bool {
        let word = word.utf8
        guard bytes.count == word.count else { return false }
        return zip(bytes, word).allSatisfy { lowercase($0) == lowercase($1) }
    }

    static func trimmingBlanks(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return bytes
    }

    /// Field values are bytes; those that are not UTF-8 are read as Latin-1, so that none is lost.
    static func text(_ bytes: ArraySlice<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}

import Glibc
import Synchronization

/// Bytes as lower-case hexadecimal digits.
public enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { text in
            var position = 0
            for byte in bytes {
                text[position] = digits[Int(byte >> 4)]
                text[position + 1] = digits[Int(byte & 15)]
                position += 2
            }
            return position
        }
    }

    /// Nil for an odd number of digits and for anything but `0-9a-f`.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in text {
            guard let value = digits.firstIndex(of: digit).map(UInt8.init) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }

    /// Not all zero. `count`: at most 256.
    static func random(bytes count: Int) -> String {
        while true {
            let text = RandomBytes.take(count) { $0.contains { $0 != 0 } ? encode($0) : "" }
            if !text.isEmpty { return text }
        }
    }
}

/// The system's random bytes, asked for many at a time: a system call for each id would cost a probe more than
/// its answer.
private enum RandomBytes {
    private struct Stock {
        var bytes = [UInt8](repeating: 0, count: 256)
        var used = 256
    }
    private static let stock = Mutex(Stock())

    /// `count`: at most 256. Each byte is handed out once.
    static func take(_ count: Int, _ body: (ArraySlice<UInt8>) -> String) -> String {
        stock.withLock { stock in
            if stock.used + count > stock.bytes.count {
                let status = stock.bytes.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) }
                precondition(status == 0, "the system has random bytes")
                stock.used = 0
            }
            defer { stock.used += count }
            return body(stock.bytes[stock.used..<stock.used + count])
        }
    }
}

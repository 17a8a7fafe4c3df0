import Glibc

/// One log entry as text. Whatever a client sent is escaped: a line stays a line.
package struct LogLine {
    /// UTC with milliseconds, RFC 3339.
    package var time: String
    package var level: String
    package var label: String
    package var message: String
    package var fields: [(key: String, value: String)]

    package init(
        time: String, level: String, label: String, message: String, fields: [(key: String, value: String)]
    ) {
        self.time = time
        self.level = level
        self.label = label
        self.message = message
        self.fields = fields
    }

    package func render(_ format: LogFormat) -> String {
        switch format {
        case .text:
            let pairs = fields.map { " \($0.key)=\(Self.plain($0.value))" }.joined()
            return "\(time) \(level) \(Self.escape(message))\(pairs)"
        case .json:
            let head = [("time", time), ("level", level), ("logger", label), ("message", message)]
            let pairs = (head + fields).map { "\"\(Self.escape($0.0))\":\"\(Self.escape($0.1))\"" }
            return "{" + pairs.joined(separator: ",") + "}"
        }
    }

    /// A value without quotes where none are needed.
    private static func plain(_ value: String) -> String {
        let simple =
            !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
        return simple ? value : "\"\(escape(value))\""
    }

    /// JSON's escapes, and those of the C1 controls and line separators that terminals or viewers act on.
    private static func escape(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0x0A: result += "\\n"
            case 0x00...0x1F, 0x7F...0x9F, 0x2028, 0x2029:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    package static func now() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var fields = tm()
        gmtime_r(&now.tv_sec, &fields)
        func digits(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date = [(Int(fields.tm_year) + 1900, 4), (Int(fields.tm_mon) + 1, 2), (Int(fields.tm_mday), 2)]
        let time = [(Int(fields.tm_hour), 2), (Int(fields.tm_min), 2), (Int(fields.tm_sec), 2)]
        return date.map { digits($0.0, $0.1) }.joined(separator: "-") + "T"
            + time.map { digits($0.0, $0.1) }.joined(separator: ":")
            + "." + digits(now.tv_nsec / 1_000_000, 3) + "Z"
    }
}

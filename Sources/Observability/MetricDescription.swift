/// What stands in the HELP line and between the braces.
struct MetricDescription: Sendable {
    let name: String
    let help: String
    let labels: [String]

    var escapedHelp: String { Self.escape(help, quotes: false) }

    /// `{a="1",b="2"}`, or nothing without labels. `extra` is histograms' `le`.
    func braces(_ values: [String], extra: (String, String)? = nil) -> String {
        precondition(values.count == labels.count, "a value for each label of \(name)")
        var pairs = zip(labels, values).map { "\($0)=\"\(Self.escape($1, quotes: true))\"" }
        if let extra { pairs.append("\(extra.0)=\"\(extra.1)\"") }
        return pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// A sample value: whole numbers without a fraction, infinities as Prometheus spells them.
    static func format(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return "\(value)"
    }
}

import Glibc

/// Takes each setting from its flag, else its environment variable, else its default, checks it, and notes
/// where it came from for the line that the server prints at start.
struct SettingsReader {
    private(set) var lines: [(name: String, value: String, source: String)] = []
    private let environment: (String) -> String?

    init(environment: @escaping (String) -> String? = { name in getenv(name).map { String(cString: $0) } }) {
        self.environment = environment
    }

    mutating func integer(
        _ flag: String?, _ setting: Setting, default value: Int, in range: ClosedRange<Int>
    ) throws(CommandFailure) -> Int {
        let (text, source) = find(flag, setting)
        guard let text else { return note(setting, value, "default") }
        guard let number = Int(text), range.contains(number) else {
            throw wrong(
                setting, text, source, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return note(setting, number, source)
    }

    /// Nil when neither flag nor variable is given.
    mutating func optionalInteger(
        _ flag: String?, _ setting: Setting, in range: ClosedRange<Int>
    ) throws(CommandFailure) -> Int? {
        guard find(flag, setting).text != nil else {
            _ = note(setting, "none", "default")
            return nil
        }
        return try integer(flag, setting, default: range.lowerBound, in: range)
    }

    mutating func seconds(
        _ flag: String?, _ setting: Setting, default value: Double, in range: ClosedRange<Double>
    ) throws(CommandFailure) -> Duration {
        let (text, source) = find(flag, setting)
        guard let text else { return .seconds(note(setting, value, "default")) }
        guard let number = Double(text), range.contains(number) else {
            throw wrong(setting, text, source, "seconds from \(range.lowerBound) to \(range.upperBound)")
        }
        return .seconds(note(setting, number, source))
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ flag: String?, _ setting: Setting, default value: Choice
    ) throws(CommandFailure) -> Choice where Choice.RawValue == String {
        let (text, source) = find(flag, setting)
        guard let text else {
            _ = note(setting, value.rawValue, "default")
            return value
        }
        guard let choice = Choice(rawValue: text) else {
            let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw wrong(setting, text, source, "one of \(names)")
        }
        _ = note(setting, text, source)
        return choice
    }

    mutating func text(_ flag: String?, _ setting: Setting, default value: String) -> String {
        let (text, source) = find(flag, setting)
        return note(setting, text ?? value, text == nil ? "default" : source)
    }

    /// Nil when neither flag nor variable is given; `shown` stands in the printed configuration then.
    mutating func optionalText(_ flag: String?, _ setting: Setting, shown: String) -> String? {
        let (text, source) = find(flag, setting)
        _ = note(setting, text ?? shown, text == nil ? "default" : source)
        return text
    }

    /// Nil when neither is given; what `parse` does not take is refused with `allowed`.
    mutating func parsed<Value>(
        _ flag: String?, _ setting: Setting, shown: String, allowed: String, parse: (String) -> Value?
    ) throws(CommandFailure) -> Value? {
        let (text, source) = find(flag, setting)
        guard let text else {
            _ = note(setting, shown, "default")
            return nil
        }
        guard let value = parse(text) else { throw wrong(setting, text, source, allowed) }
        _ = note(setting, text, source)
        return value
    }

    private func find(_ flag: String?, _ setting: Setting) -> (text: String?, source: String) {
        if let flag { return (flag, "--\(setting.flag)") }
        for variable in setting.variables {
            // An empty variable is how containers say "not set".
            if let text = environment(variable), !text.isEmpty { return (text, variable) }
        }
        return (nil, "default")
    }

    private mutating func note<Value>(_ setting: Setting, _ value: Value, _ source: String) -> Value {
        lines.append((setting.flag, "\(value)", source))
        return value
    }

    private func wrong(
        _ setting: Setting, _ text: String, _ source: String, _ allowed: String
    ) -> CommandFailure {
        CommandFailure("\(source) is \"\(text)\": it has to be \(allowed)")
    }
}

/// The name of a setting on the command line and in the environment.
struct Setting {
    let flag: String
    let variables: [String]

    /// `--shutdown-timeout` and `MLLMSEG_SHUTDOWN_TIMEOUT`; `others` are read when that isn't set.
    init(_ flag: String, others: [String] = []) {
        self.flag = flag
        let name = flag.map { $0 == "-" ? "_" : String($0).uppercased() }.joined()
        variables = ["MLLMSEG_\(name)"] + others
    }
}

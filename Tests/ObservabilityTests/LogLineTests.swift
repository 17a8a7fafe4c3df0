import Observability
import Testing

@Suite struct LogLineTests {
    private func line(_ message: String, _ value: String, _ format: LogFormat) -> String {
        LogLine(
            time: "T", level: "info", label: "mllmseg", message: message, fields: [(key: "k", value: value)]
        ).render(format)
    }

    @Test func text() {
        #expect(line("hello world", "plain", .text) == "T info hello world k=plain")
        #expect(line("m", "two words", .text) == "T info m k=\"two words\"")
        #expect(line("m", "", .text) == "T info m k=\"\"")
        #expect(
            line("a\nb", "x\r\n\u{1B}[31m\u{85}\u{2028}", .text)
                == "T info a\\nb k=\"x\\u000d\\n\\u001b[31m\\u0085\\u2028\"")
    }

    @Test func json() {
        #expect(
            line("m", "a\"\\\t猫", .json)
                == "{\"time\":\"T\",\"level\":\"info\",\"logger\":\"mllmseg\",\"message\":\"m\",\"k\":\"a\\\"\\\\\\u0009猫\"}"
        )
    }

    @Test func timesHaveOneForm() {
        let now = LogLine.now()
        #expect(now.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(now)")
    }
}

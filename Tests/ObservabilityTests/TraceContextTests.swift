import Observability
import Testing

@Suite struct TraceContextTests {
    static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    static let parent = "00f067aa0ba902b7"

    static let valid: [(String, UInt8)] = [
        ("00-\(trace)-\(parent)-01", 1), ("00-\(trace)-\(parent)-00", 0),
        ("00-\(trace)-\(parent)-ff", 255),
        // A later version: what is known is read, the rest passed over.
        ("cc-\(trace)-\(parent)-01", 1), ("cc-\(trace)-\(parent)-03-what-comes", 1),
    ]

    @Test(arguments: valid) func continuesAValidTrace(header: String, flags: UInt8) {
        let context = TraceContext(traceparent: header)
        #expect(context.traceID == Self.trace)
        #expect(context.parentID == Self.parent)
        #expect(context.flags == flags)
        #expect(context.spanID != Self.parent)
        #expect(context.traceparent.hasPrefix("00-\(Self.trace)-\(context.spanID)-"))
        #expect(context.traceparent.utf8.count == 55)
    }

    static let invalid: [String?] = [
        nil, "", "00", "00-\(trace)-\(parent)", "00-\(trace)-\(parent)-", "00-\(trace)-\(parent)-1",
        "00-\(trace)-\(parent)-01-", "00-\(trace)-\(parent)-01-x", "cc-\(trace)-\(parent)-01x",
        "ff-\(trace)-\(parent)-01", "0g-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-0G",
        "00-00000000000000000000000000000000-\(parent)-01", "00-\(trace)-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-\(parent)-01", "00_\(trace)-\(parent)-01",
        " 00-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-01 ", "é0-\(trace)-\(parent)-01",
    ]

    @Test(arguments: invalid) func startsANewTrace(header: String?) {
        let context = TraceContext(traceparent: header)
        #expect(context.traceID != Self.trace)
        #expect(context.traceID.utf8.count == 32)
        #expect(context.parentID == nil)
        // What is passed on must be valid itself.
        #expect(TraceContext(traceparent: context.traceparent).traceID == context.traceID)
    }

    @Test func everyCutOfAHeaderIsInvalid() {
        let header = "00-\(Self.trace)-\(Self.parent)-01"
        for length in 0..<header.utf8.count {
            #expect(TraceContext(traceparent: String(header.prefix(length))).parentID == nil)
        }
    }

    @Test func requestIDs() {
        let longest = String(repeating: "~", count: 128)
        for good in [
            "a", "550e8400-e29b-41d4-a716-446655440000", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}", longest,
        ] {
            #expect(RequestID.accept(good) == good)
        }
        for bad in [nil, "", " ", "a b", "a\n", "a\u{7F}", "é", longest + "~"] {
            let made = RequestID.accept(bad)
            #expect(made != bad)
            #expect(made.utf8.count == 32)
        }
        #expect(RequestID.accept(nil) != RequestID.accept(nil))
    }
}

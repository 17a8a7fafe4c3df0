import SegmentationAPI
import Testing

@Suite struct JSONTests {
    private func parse(_ text: String) throws(JSONError) -> JSONValue {
        try JSONParser.parse(Array(text.utf8))
    }

    static let good: [(String, JSONValue)] = [
        ("null", nil), (" true ", true), ("false", false), ("0", 0), ("-0", .number(-0.0)), ("12", 12),
        ("-1.5e+2", -150), ("1E-2", .number(0.01)), ("\"\"", ""), ("[]", []), ("{}", [:]),
        ("[1,[2],{\"a\":[]}]", [1, [2], ["a": []]]),
        ("\t{ \"a\" : 1 ,\r\n\"b\":\"c\" }", ["a": 1, "b": "c"]),
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9\u732B\ud83d\ude00x""#, "é猫😀x"),
        ("\"é猫😀\u{7F}\"", "é猫😀\u{7F}"), ("{\"a\":1,\"A\":2}", ["a": 1, "A": 2]),
    ]

    @Test(arguments: good) func reads(text: String, value: JSONValue) throws {
        #expect(try parse(text) == value)
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN", "Infinity",
        "1e999", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800x\"",
        "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"", "\"\t\"", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]",
        "{",
        "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{1:2}",
        "{\"a\":1,\"a\":2}", "[]]", "1 2", "\u{FEFF}1", "// c\n1", "'a'",
    ])
    func refuses(text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test func everyCutIsRefused() throws {
        let text = Array(#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n",true,false,null,{}],"b":"é"}"#.utf8)
        _ = try JSONParser.parse(text)
        for length in 0..<text.count {
            #expect(throws: JSONError.self) { try JSONParser.parse(Array(text[..<length])) }
        }
    }

    @Test func everyChangedByteIsReadOrRefusedAndNeverTraps() {
        let text = Array(#"{"a":[1,-2.5,"\u00e9\n"],"b":null}"#.utf8)
        for index in text.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[index] = byte
                _ = try? JSONParser.parse(changed)
            }
        }
    }

    @Test func refusesWhatIsNotUnicode() {
        for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE9]] {
            #expect(throws: JSONError.badString(offset: 0)) { try JSONParser.parse([0x22] + bytes + [0x22]) }
        }
    }

    @Test func unreadMembersAreCheckedAndNotKept() throws {
        var limits = JSONLimits()
        limits.values = 4
        let text = #"{"a":1,"no":[1,{"no":2,"x":[3,4],"x":5}],"b":{"no":"x"}}"#
        #expect(
            try JSONParser.parse(Array(text.utf8), limits: limits, unread: ["no"]) == [
                "a": 1, "no": nil, "b": ["no": nil],
            ])
        #expect(throws: JSONError.duplicateName("x")) { try parse(text) }
        for length in 0..<text.utf8.count {
            #expect(throws: JSONError.self) {
                try JSONParser.parse(Array(text.utf8.prefix(length)), unread: ["no"])
            }
        }
        for broken in [#"{"no":[1,}"#, #"{"no":01}"#, #"{"no":1,"no":2}"#, #"{"no":"\x"}"#] {
            #expect(throws: JSONError.self) { try JSONParser.parse(Array(broken.utf8), unread: ["no"]) }
        }
        let deep = #"{"no":"# + String(repeating: "[", count: 40)
        #expect(throws: JSONError.tooDeep(limit: 32)) {
            try JSONParser.parse(Array(deep.utf8), unread: ["no"])
        }
    }

    @Test func limits() throws {
        var limits = JSONLimits()
        limits.depth = 3
        limits.values = 5
        func parse(_ text: String) throws(JSONError) -> JSONValue {
            try JSONParser.parse(Array(text.utf8), limits: limits)
        }
        _ = try parse("[[[1]]]")
        #expect(throws: JSONError.tooDeep(limit: 3)) { try parse("[[[[1]]]]") }
        _ = try parse("[1,1,1,1]")
        #expect(throws: JSONError.tooManyValues(limit: 5)) { try parse("[1,1,1,1,1]") }
        #expect(throws: JSONError.tooDeep(limit: 32)) {
            try JSONParser.parse([UInt8](repeating: 0x5B, count: 1_000_000))
        }
    }

    @Test func writes() {
        let value: JSONValue = [
            "a": [1, .number(0.5), -3, nil, true], "b": "\"\\\n\u{1}é\u{7F}", "c": .number(.nan),
            "d": JSONValue(rounding: 0.93), "e": JSONValue(millisecondsOf: 0.0031415926), "f": [:],
        ]
        #expect(
            String(decoding: value.encoded(), as: UTF8.self)
                == #"{"a":[1,0.5,-3,null,true],"b":"\"\\\n\u0001é\u007f","c":null,"d":0.93,"e":3.142,"f":{}}"#
        )
        #expect(JSONValue.number(1e20).encoded() == Array("1e+20".utf8))
    }

    @Test func base64() {
        for (text, encoded) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ] {
            #expect(Base64.encode(Array(text.utf8)) == encoded)
            #expect(Base64.decode(encoded) == Array(text.utf8))
        }
        let all = (0...255).map { UInt8($0) }
        #expect(Base64.decode(Base64.encode(all)) == all)
        #expect(Base64.decode("Zm9v\r\nYmFy\n") == Array("foobar".utf8))
        for broken in [
            "Z", "Zg", "Zg=", "Zg===", "Zm8", "Zm9v=", "Zh==", "Zm9=", "Zm9v!", "Zg==Zg==", "é", "Zm-_",
        ] {
            #expect(Base64.decode(broken) == nil, "\(broken)")
        }
    }
}

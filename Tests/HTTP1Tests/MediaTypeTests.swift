import HTTP1
import Testing

@Suite struct MediaTypeTests {
    @Test func readsParameters() throws {
        let media = try #require(MediaType("Multipart/Form-Data ; Boundary=\"a;b\\\"c\" ; x=Y;"))
        #expect(media.essence == "multipart/form-data")
        #expect(media[parameter: "boundary"] == "a;b\"c")
        #expect(media[parameter: "x"] == "Y")
        #expect(media[parameter: "z"] == nil)
    }

    @Test(arguments: [
        "", "text", "text/", "/plain", "te xt/plain", "text/plain; a", "text/plain; a=", "text/plain; =b",
        "text/plain; a=\"b", "text/plain; a=b; A=c", "text/plain, text/html", "text/plain; a=b c",
    ])
    func refuses(_ text: String) {
        #expect(MediaType(text) == nil)
    }

    static let accepts: [(String?, [String], String?)] = [
        (nil, ["application/json", "image/png"], "application/json"),
        ("", ["application/json"], "application/json"),
        ("image/png", ["application/json", "image/png"], "image/png"),
        ("image/*", ["application/json", "image/png"], "image/png"),
        ("*/*", ["application/json", "image/png"], "application/json"),
        ("image/png;q=0.5, application/json;q=0.9", ["image/png", "application/json"], "application/json"),
        ("image/png;q=0.5, */*;q=0.1", ["application/json", "image/png"], "image/png"),
        ("image/png;q=0, */*", ["image/png"], nil),
        ("image/png;q=0, */*", ["image/png", "image/webp"], "image/webp"),
        ("text/html", ["application/json"], nil),
        ("APPLICATION/JSON;Q=1.000", ["application/json"], "application/json"),
        ("application/json;q=1.1", ["application/json"], nil),
        ("application/json;q=0.0001", ["application/json"], nil),
        ("nonsense, application/json", ["application/json"], "application/json"),
        ("text/html;x=\"a,b\", application/json", ["application/json"], "application/json"),
        ("*/json", ["application/json"], nil),
        (
            "application/x-ndjson, */*;q=0.8", ["application/json", "application/x-ndjson"],
            "application/x-ndjson"
        ),
    ]

    @Test(arguments: accepts) func negotiates(_ accept: String?, _ offers: [String], _ expected: String?) {
        let header = AcceptHeader(accept.map { [$0] } ?? [])
        #expect(header.preferred(among: offers) == expected)
    }

    @Test func fieldsOfOneNameJoin() {
        let header = AcceptHeader(["image/png;q=0.4", "image/webp"])
        #expect(header.quality(of: "image/png") == 400)
        #expect(header.quality(of: "image/webp") == 1000)
        #expect(header.quality(of: "image/gif") == 0)
    }
}

@Suite struct PercentEncodingTests {
    @Test func decodes() {
        #expect(PercentEncoding.decode("a%20b+c".utf8) == "a b+c")
        #expect(PercentEncoding.decode("a%20b+c".utf8, plusIsSpace: true) == "a b c")
        #expect(PercentEncoding.decode("%E6%97%a5".utf8) == "日")
        for bad in ["%", "%1", "%zz", "%00", "%ff", "a%C3"] {
            #expect(PercentEncoding.decode(bad.utf8) == nil, "\(bad)")
        }
    }
}

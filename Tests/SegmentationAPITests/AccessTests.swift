import HTTP1
import HTTPServer
import SegmentationAPI
import Testing

@Suite struct AccessTests {
    private static let alice = "alice-0123456789abcdef"
    private static let bob = "bob-0123456789abcdef"
    private static let keyFile = """
        # people
        alice \(alice)

        bob\tsha256:\(ImageDigest(of: Array(bob.utf8)).hexadecimal)\r
        alice another-key-of-alice
        """

    private static func keys(_ text: String = keyFile) throws -> APIKeys {
        try APIKeys(parsing: Array(text.utf8))
    }

    private static func status(_ admission: HTTPAdmission) -> Int {
        if case .refuse(let response) = admission { response.status } else { 200 }
    }

    private func head(_ path: String, _ headers: HTTPHeaders = [:], method: String = "POST")
        -> HTTPRequestHead
    {
        HTTPRequestHead(method: method, target: path, path: path, headers: headers)
    }

    @Test func keysAreFoundByName() throws {
        let keys = try Self.keys()
        #expect(keys.count == 3)
        #expect(keys.name(ofKey: Array(Self.alice.utf8)) == "alice")
        #expect(keys.name(ofKey: Array(Self.bob.utf8)) == "bob")
        #expect(keys.name(ofKey: Array("another-key-of-alice".utf8)) == "alice")
        for wrong in ["", "alice", Self.alice + "0", String(Self.alice.dropLast()), Self.alice.uppercased()] {
            #expect(keys.name(ofKey: Array(wrong.utf8)) == nil, "\(wrong)")
        }
        // The digest in the file is no key.
        #expect(
            keys.name(ofKey: Array("sha256:\(ImageDigest(of: Array(Self.bob.utf8)).hexadecimal)".utf8)) == nil
        )
    }

    @Test(arguments: [
        ("", "there is no key in it"), ("# only words", "there is no key in it"),
        ("alice", "line 1: a line is a name, a blank and a key"),
        ("a b c", "line 1: a line is a name"), ("a short-key", "line 1: the key has 9 characters"),
        ("\nn\u{E4}me 0123456789abcdef", "line 2: a name is at most 64 letters"),
        ("a " + String(repeating: "k", count: 257), "line 1: the key has 257 characters"),
        ("a 0123456789abcdef\u{7F}", "line 1: a key is made of visible ASCII"),
        ("a sha256:00", "line 1: after \"sha256:\" come 64"),
        ("a 0123456789abcdef\nb 0123456789abcdef", "line 2: the key stands on an earlier line"),
    ]) func brokenKeyFilesAreNamedByLine(_ text: String, _ words: String) throws {
        let failure = try #require(throws: APIKeys.Failure.self) { try Self.keys(text) }
        #expect("\(failure)".contains(words), "\(failure)")
        #expect(!"\(failure)".contains("0123456789abcdef"))
    }

    @Test func keysComeInThreeFields() {
        let basic = Base64.encode(Array("anyone:a:key".utf8))
        let table: [(HTTPHeaders, PresentedKey)] = [
            ([:], .none), (["Authorization": "Bearer k"], .key("k")),
            (["authorization": "bEARER   k"], .key("k")), (["X-API-Key": "k"], .key("k")),
            (["Authorization": "Basic \(basic)"], .key("a:key")),
            (["Authorization": "Basic ????"], .unreadable), (["Authorization": "Basic aGk="], .unreadable),
            (["Authorization": "Digest x"], .unreadable), (["Authorization": "Bearer"], .unreadable),
            (["Authorization": "Bearer a", "X-API-Key": "a"], .unreadable),
            (["X-API-Key": "a", "x-api-key": "b"], .unreadable),
        ]
        for (headers, expected) in table { #expect(PresentedKey(headers) == expected, "\(headers)") }
    }

    @Test func withoutAKeyOnlyProbesAndPagesAnswer() async throws {
        let fixture = await ServiceFixture(access: AccessControl(keys: try Self.keys()))
        let good: HTTPHeaders = ["Authorization": "Bearer \(Self.alice)"]
        for (method, path) in [
            ("POST", "/segment"), ("POST", "/v2/models/colours/infer"), ("POST", "/label-studio/predict"),
            ("POST", "/label-studio/setup"), ("GET", "/v2"), ("GET", "/v2/models"),
            ("GET", "/v2/models/colours"), ("POST", "/segment/"),
        ] {
            #expect(Self.status(fixture.service.admit(head(path, method: method))) == 401, "\(path)")
            let wrong: HTTPHeaders = ["X-API-Key": Self.alice + "x"]
            #expect(Self.status(fixture.service.admit(head(path, wrong, method: method))) == 401, "\(path)")
            #expect(Self.status(fixture.service.admit(head(path, good, method: method))) == 200, "\(path)")
        }
        for path in [
            "/livez", "/readyz", "/healthz", "/v2/health/live", "/health", "/metrics", "/", "/nothing",
        ] {
            #expect(Self.status(fixture.service.admit(head(path, method: "GET"))) == 200, "\(path)")
        }
        #expect(Self.status(fixture.service.admit(head("/segment", method: "OPTIONS"))) == 200)
    }

    @Test func aRefusalSaysWhatToSendAndNeverTheKey() async throws {
        let fixture = await ServiceFixture(access: AccessControl(keys: try Self.keys()))
        guard case .refuse(let missing) = fixture.service.admit(head("/segment")),
            case .refuse(let wrong) = fixture.service.admit(
                head("/segment", ["Authorization": "Bearer a-wrong-key-of-someone"]))
        else { throw AccessFailure.admitted }
        #expect(missing.headers["WWW-Authenticate"] == "Bearer realm=\"mllmseg\"")
        #expect(wrong.headers["WWW-Authenticate"] == "Bearer realm=\"mllmseg\", error=\"invalid_token\"")
        let answer = await Answer(wrong)
        #expect(answer.problem == "unauthorized")
        #expect(!answer.text.contains("a-wrong-key"))
        let note = try #require(wrong.note as? AccessNote)
        #expect(note.client == nil)
        let admitted = await fixture.service.respond(
            to: HTTPRequest(head: head("/segment", ["X-API-Key": Self.bob])))
        #expect((admitted.note as? AccessNote)?.client == "bob")
    }

    @Test func replacedKeysCountAtOnce() async throws {
        let access = AccessControl(keys: try Self.keys())
        let fixture = await ServiceFixture(access: access)
        let old = head("/segment", ["X-API-Key": Self.alice])
        #expect(Self.status(fixture.service.admit(old)) == 200)
        access.replace(try Self.keys("carol carols-key-0123456789"))
        #expect(Self.status(fixture.service.admit(old)) == 401)
        #expect(
            Self.status(fixture.service.admit(head("/segment", ["X-API-Key": "carols-key-0123456789"])))
                == 200)
    }

    @Test func bucketsFillWithTime() {
        let limiter = RateLimiter(perMinute: 30, burst: 2)
        let start = ContinuousClock.now
        #expect(limiter.take("a", now: start) == nil)
        #expect(limiter.take("a", now: start) == nil)
        #expect(limiter.take("a", now: start) == 2)
        #expect(limiter.take("b", now: start) == nil)
        #expect(limiter.take("a", now: start + .seconds(1)) == 1)
        #expect(limiter.take("a", now: start + .seconds(2)) == nil)
        #expect(limiter.take("a", now: start + .seconds(2)) == 2)
        // A long pause earns a burst, not more; a clock that is behind earns nothing.
        #expect(limiter.take("a", now: start + .seconds(3600)) == nil)
        #expect(limiter.take("a", now: start) == nil)
        #expect(limiter.take("a", now: start + .seconds(3600)) == 2)
    }

    @Test func eachKeyHasItsRate() async throws {
        let fixture = await ServiceFixture(
            access: AccessControl(keys: try Self.keys(), limiter: RateLimiter(perMinute: 1, burst: 2)))
        let alice: HTTPHeaders = ["X-API-Key": Self.alice]
        for _ in 0..<2 { #expect(Self.status(fixture.service.admit(head("/segment", alice))) == 200) }
        guard case .refuse(let refusal) = fixture.service.admit(head("/segment", alice)) else {
            throw AccessFailure.admitted
        }
        #expect(refusal.status == 429)
        #expect(refusal.headers["Retry-After"] == "60")
        #expect(await Answer(refusal).problem == "rate-limited")
        #expect(Self.status(fixture.service.admit(head("/segment", ["X-API-Key": Self.bob]))) == 200)
        // What the model isn't asked for isn't counted.
        #expect(Self.status(fixture.service.admit(head("/v2", alice, method: "GET"))) == 200)
        let metrics = await fixture.send("GET", "/metrics").text
        #expect(metrics.contains("mllmseg_requests_shed_total{reason=\"rate_limit\"} 1\n"))
        #expect(
            metrics.contains(
                "mllmseg_http_requests_total{route=\"/segment\",method=\"POST\",code=\"429\"} 1\n"))
    }

    @Test func otherSitesAreLetInByName() async throws {
        let preflight: HTTPHeaders = ["Origin": "https://a.example", "Access-Control-Request-Method": "POST"]
        let closed = await ServiceFixture()
        #expect(
            await closed.send("OPTIONS", "/segment", headers: preflight)
                .headers["Access-Control-Allow-Origin"] == nil)
        let policy = try #require(CrossOriginPolicy("https://a.example, http://localhost:3000"))
        let fixture = await ServiceFixture { $0.crossOrigin = policy }
        let allowed = await fixture.send("OPTIONS", "/segment", headers: preflight)
        #expect(allowed.status == 204)
        #expect(allowed.headers["Access-Control-Allow-Origin"] == "https://a.example")
        #expect(allowed.headers["Access-Control-Allow-Methods"]?.contains("POST") == true)
        #expect(allowed.headers["Access-Control-Allow-Headers"]?.contains("Authorization") == true)
        #expect(allowed.headers["Vary"] == "Origin")
        let answer = await fixture.send("GET", "/health", headers: ["Origin": "http://localhost:3000"])
        #expect(answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000")
        #expect(answer.headers["Access-Control-Expose-Headers"]?.contains("X-Request-ID") == true)
        #expect(answer.headers["Access-Control-Allow-Credentials"] == nil)
        for origin in ["https://b.example", "https://a.example.evil", "null", "https://A.example"] {
            let other = await fixture.send("GET", "/health", headers: ["Origin": origin])
            #expect(other.headers["Access-Control-Allow-Origin"] == nil, "\(origin)")
            #expect(other.headers["Vary"] == "Origin")
        }
        let everyone = await ServiceFixture { $0.crossOrigin = CrossOriginPolicy("*") }
        #expect(
            await everyone.send("GET", "/health", headers: ["Origin": "https://b.example"])
                .headers["Access-Control-Allow-Origin"] == "*")
        for broken in [
            "", "a.example", "https://", "https://a/b", "ftp://a", "https://a,*", "https://A", "null",
        ] {
            #expect(CrossOriginPolicy(broken) == nil, "\(broken)")
        }
    }

    @Test func operatorsHaveAPortOfTheirOwn() async {
        let fixture = await ServiceFixture { $0.hidesMetrics = true }
        #expect(await fixture.send("GET", "/metrics").status == 404)
        #expect(await fixture.send("GET", "/readyz").status == 200)
        let operators = OperatorsInterface(fixture.service)
        for (method, path, status) in [
            ("GET", "/metrics", 200), ("GET", "/livez", 200), ("GET", "/readyz", 200),
            ("GET", "/health", 200),
            ("HEAD", "/metrics", 200), ("POST", "/segment", 404), ("GET", "/", 404), ("GET", "/v2", 404),
        ] {
            let response = await operators.respond(to: HTTPRequest(head: head(path, method: method)))
            #expect(response.status == status, "\(path)")
        }
    }

    @Test func overloadMaySay503() async throws {
        let fixture = await ServiceFixture(capacity: 1) { $0.overloadStatus = 503 }
        let held = try fixture.engine.admit()
        let admission = withExtendedLifetime(held) { fixture.service.admit(head("/segment")) }
        guard case .refuse(let refusal) = admission else { throw AccessFailure.admitted }
        #expect(refusal.status == 503 && refusal.headers["Retry-After"] != nil)
        #expect(await Answer(refusal).problem == "queue-full")
    }
}

private enum AccessFailure: Error {
    case admitted
}

import HTTP1
import Images
import Observability
import SegmentationAPI
import Testing

@Suite(.timeLimit(.minutes(1))) struct StatusTests {
    @Test func probesWhileLoadingReadyAndDraining() async {
        let loading = await ServiceFixture(load: false)
        for path in ["/livez", "/healthz", "/v2/health/live", "/livez/"] {
            let answer = await loading.send("GET", path)
            #expect(answer.status == 200 && answer.json["live"] == true)
        }
        for path in ["/readyz", "/v2/health/ready"] {
            let answer = await loading.send("GET", path)
            #expect(answer.status == 503)
            #expect(answer.json["phase"] == "loading")
            #expect(answer.json["error"]?.string != nil)
        }
        #expect(await loading.form([("expression", "red")]).status == 503)
        let ready = await ServiceFixture()
        #expect(await ready.send("GET", "/readyz").json["ready"] == true)
        ready.service.announceShutdown()
        let draining = await ready.send("GET", "/readyz")
        #expect(draining.status == 503)
        #expect(draining.json["phase"] == "draining")
        // What still arrives is answered; later nothing new is begun.
        #expect(await ready.form([("expression", "red")]).status == 200)
        let head = HTTPRequestHead(method: "POST", target: "/segment", path: "/segment")
        guard case .accept = ready.service.admit(head) else {
            Issue.record("refused too early")
            return
        }
        ready.service.refuseNewWork()
        guard case .refuse(let refusal) = ready.service.admit(head) else {
            Issue.record("new work was taken")
            return
        }
        #expect(refusal.status == 503 && refusal.headers["Retry-After"] != nil)
        #expect(await ready.form([("expression", "red")]).status == 200)
        #expect(ready.service.requestsInProgress == 0)
        #expect(await ready.send("GET", "/livez").status == 200)
    }

    @Test func healthNamesModelQueueAndLimits() async {
        let fixture = await ServiceFixture()
        let answer = await fixture.send("GET", "/health")
        let health = answer.json
        // A person reads this: a line for each fact, the gist first.
        #expect(
            answer.text.hasPrefix(
                "{\n  \"summary\": \"ready with colours; 0 running, 0 of 8 waiting\",\n  \"phase\": \"ready\",\n"
            ))
        #expect(answer.text.contains("\n  \"queue\": {\n    \"waiting\": 0,\n"))
        #expect(answer.text.hasSuffix("\n  }\n}\n"))
        #expect(health["phase"] == "ready")
        #expect(health["model"]?["name"] == "colours")
        #expect(health["model"]?["can_reject"] == true)
        #expect(health["queue"]?["capacity"] == 8)
        #expect(health["limits"]?["body_bytes"] == JSONValue(32 << 20))
        #expect(health["limits"]?["pixels"] == 40_000_000)
        #expect(await ServiceFixture(load: false).send("GET", "/health").json["model"] == .some(.null))
    }

    @Test func requestIDsAndTraces() async {
        let fixture = await ServiceFixture()
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        let answer = await fixture.send(
            "GET", "/livez",
            headers: ["x-request-id": "mine-1", "traceparent": "00-\(trace)-00f067aa0ba902b7-01"])
        #expect(answer.headers["X-Request-ID"] == "mine-1")
        #expect(answer.headers["traceparent"]?.hasPrefix("00-\(trace)-") == true)
        let made = await fixture.send("GET", "/livez", headers: ["x-request-id": "bad id"])
        #expect(made.headers["X-Request-ID"] != "bad id")
        #expect(made.headers["X-Request-ID"]?.utf8.count == 32)
    }

    @Test func metricsAreBoundedAndCounted() async {
        let fixture = await ServiceFixture()
        for number in 0..<20 { _ = await fixture.send("GET", "/unknown/\(number)") }
        _ = await fixture.send("BREW\(1)", "/segment")
        _ = await fixture.form([("expression", "red"), ("expression", "absent")])
        let answer = await fixture.send("GET", "/metrics")
        #expect(answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
        let lines = Set(answer.text.split(separator: "\n").map(String.init))
        for line in [
            "mllmseg_http_requests_total{route=\"other\",method=\"GET\",code=\"404\"} 20",
            "mllmseg_http_requests_total{route=\"/segment\",method=\"other\",code=\"405\"} 1",
            "mllmseg_http_requests_total{route=\"/segment\",method=\"POST\",code=\"200\"} 1",
            "mllmseg_expressions_total{outcome=\"segmented\"} 1",
            "mllmseg_expressions_total{outcome=\"rejected\"} 1", "mllmseg_queue_depth 0",
            "mllmseg_queue_capacity 8", "mllmseg_requests_in_flight 0", "mllmseg_model_ready 1",
            "mllmseg_image_cache_misses_total 1", "mllmseg_build_info{version=\"0.1.0\"} 1",
            "mllmseg_picture_store_bytes 237",
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(!answer.text.contains("unknown/"))
    }

    @Test func openAPIHasThisServersLimits() async throws {
        let fixture = await ServiceFixture { configuration in
            configuration.expressionCharacters = 77
            configuration.expressions = 5
            configuration.version = "9.9"
        }
        let document = await fixture.send("GET", "/openapi.json").json
        #expect(document["openapi"] == "3.1.0")
        #expect(document["info"]?["version"] == "9.9")
        let model = document["paths"]?["/v2/models/{model}"]?["parameters"]?[0]
        #expect(model?["schema"]?["enum"] == ["colours"])
        let query = document["components"]?["schemas"]?["SegmentQuery"]?["properties"]
        #expect(query?["expression"]?["maxLength"] == 77)
        #expect(query?["expressions"]?["maxItems"] == 5)
        guard case .object(let paths) = try #require(document["paths"]) else { return }
        #expect(paths.count >= 9)
        for path in paths {
            // Every path of the document exists.
            let method = path.value["post"] == nil ? "GET" : "POST"
            let name = path.name.replacing("{model}", with: "colours").replacing("{version}", with: "1")
            #expect(await fixture.send(method, name).status != 404, "\(path.name)")
        }
    }

    @Test func thePictureStoreDropsWhatWasUsedLongestAgo() {
        let store = PictureStore(capacity: 24)
        let digests = (0..<4).map { number in ImageDigest(of: [UInt8(number)]) }
        func keep(_ number: Int, pixels: Int = 4) {
            let image = RGBImage(width: pixels, height: 1, pixels: [UInt8](repeating: 0, count: pixels * 3))
            store.insert(StoredPicture(digest: digests[number], image: image, exifOrientation: 1))
        }
        keep(0)
        keep(1)
        #expect(store.bytes == 24 && store.count == 2)
        #expect(store.find(digests[0]) != nil)
        keep(2)
        #expect(store.find(digests[1]) == nil)
        #expect(store.find(digests[0]) != nil && store.find(digests[2]) != nil)
        keep(0)
        #expect(store.bytes == 24 && store.count == 2)
        keep(3, pixels: 9)
        #expect(store.count == 2 && store.find(digests[3]) == nil)
        keep(3, pixels: 8)
        #expect(store.count == 1 && store.bytes == 24)
    }

    @Test func digests() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        #expect(ImageDigest(of: [UInt8]()).hexadecimal == empty)
        #expect(ImageDigest(of: Array("abc".utf8)[...]).hexadecimal.hasPrefix("ba7816bf"))
        #expect(ImageDigest("sha256:" + empty)?.hexadecimal == empty)
        for broken in [
            "", "sha256:", empty.uppercased(), empty + "0", String(empty.dropLast()), "md5:" + empty,
        ] {
            #expect(ImageDigest(broken) == nil)
        }
    }
}

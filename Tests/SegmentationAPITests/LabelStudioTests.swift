import Dispatch
import Foundation
import HTTP1
import SegmentationAPI
import Testing

@Suite(.timeLimit(.minutes(1))) struct LabelStudioTests {
    static let configuration = """
        <View>
          <!-- <BrushLabels name="no" toName="no"> -->
          <Image name="image" value="$photo" zoom="true"/>
          <BrushLabels name='tag' toName="image"><Label value="cat" background="#fff"/><Label value="dog &amp; puppy"/>
          </BrushLabels>
          <TextArea name="prompt" toName="image"/>
        </View>
        """
    static let uri = "data:image/png;base64," + Base64.encode(ServiceFixture.picture)

    private func predict(
        _ fixture: ServiceFixture, _ pictures: [String], prompt: String?,
        configuration: String = configuration, regions: [JSONValue] = []
    ) async -> Answer {
        var document: [JSONMember] = [
            JSONMember(
                "tasks", .array(pictures.map { ["id": 1, "data": ["photo": .string($0)]] })),
            JSONMember("label_config", .string(configuration)),
        ]
        let typed: [JSONValue] = prompt.map { [["value": ["text": [.string($0)]]]] } ?? []
        if !(regions + typed).isEmpty {
            document.append(JSONMember("params", ["context": ["result": .array(regions + typed)]]))
        }
        return await fixture.send(
            "POST", "/label-studio/predict", headers: ["Content-Type": "application/json"],
            body: JSONValue.object(document).encoded())
    }

    @Test func itsSmallTalk() async {
        let fixture = await ServiceFixture()
        for path in ["/label-studio/", "/label-studio", "/label-studio/health"] {
            #expect(await fixture.send("GET", path).json == ["status": "UP", "model_class": "mllmseg"])
        }
        #expect(
            await fixture.send("POST", "/label-studio/setup", body: Array("{}".utf8)).json == [
                "model_version": "colours"
            ])
        #expect(await fixture.send("POST", "/label-studio/webhook", body: Array("{}".utf8)).status == 201)
        #expect(await fixture.send("GET", "/label-studio/versions").json == ["versions": ["colours"]])
    }

    @Test func aPromptGivesABrushMask() async {
        let fixture = await ServiceFixture()
        let answer = await predict(
            fixture, [Self.uri, Self.uri], prompt: "red")
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.json["results"]?.array?.count == 2)
        let entry = answer.json["results"]?[0]
        #expect(entry?["model_version"] == "colours")
        #expect(entry?["score"] == .number(0.93))
        let region = entry?["result"]?[0]
        #expect(region?["from_name"] == "tag" && region?["to_name"] == "image")
        #expect(region?["type"] == "brushlabels")
        #expect(region?["original_width"] == 5 && region?["original_height"] == 3)
        #expect(region?["value"]?["brushlabels"] == ["cat"])
        #expect(
            region?["value"]?["rle"] == [0, 0, 0, 60, 57, 27, 254, 23, 0, 183, 255, 108, 2, 63, 249, 192, 0])
    }

    @Test func aRejectionIsAnEntryWithoutResults() async {
        let fixture = await ServiceFixture()
        let answer = await predict(fixture, [Self.uri], prompt: "absent")
        #expect(answer.json["results"]?[0]?["result"] == [])
        #expect(answer.json["results"]?[0]?["score"] == 0)
    }

    @Test func withoutAPromptTheLabelsAreAsked() async {
        let fixture = await ServiceFixture()
        let boxes = Self.configuration.replacing("BrushLabels", with: "RectangleLabels")
            .replacing("cat", with: "red").replacing("dog &amp; puppy", with: "blue")
        let answer = await predict(fixture, [Self.uri], prompt: nil, configuration: boxes)
        let regions = answer.json["results"]?[0]?["result"]
        #expect(regions?.array?.count == 2, "\(answer.text)")
        #expect(regions?[0]?["type"] == "rectanglelabels")
        #expect(regions?[0]?["value"]?["rectanglelabels"] == ["red"])
        #expect(regions?[0]?["value"]?["x"] == 20)
        #expect(regions?[0]?["value"]?["width"] == 60)
        #expect(regions?[1]?["value"]?["rectanglelabels"] == ["blue"])
    }

    @Test func whatIsDrawnCountsWhereNothingIsTyped() async {
        let fixture = await ServiceFixture()
        let configuration = Self.configuration.replacing("cat", with: "red")
            .replacing("dog &amp; puppy", with: "blue")
        let drawn: JSONValue = ["value": ["brushlabels": ["blue"], "rle": [1, 2]], "type": "brushlabels"]
        let answer = await predict(
            fixture, [Self.uri], prompt: nil, configuration: configuration, regions: [drawn])
        let regions = answer.json["results"]?[0]?["result"]
        #expect(regions?.array?.count == 1 && regions?[0]?["value"]?["brushlabels"] == ["blue"])
        // A phrase wins, wherever it stands.
        let typed = await predict(
            fixture, [Self.uri], prompt: "red", configuration: configuration, regions: [drawn])
        #expect(typed.json["results"]?[0]?["result"]?[0]?["value"]?["brushlabels"] == ["red"])
        // A text area keeps what was typed before.
        let again = await predict(
            fixture, [Self.uri], prompt: nil, configuration: configuration,
            regions: [["value": ["text": ["red", "blue", " "]]]])
        #expect(again.json["results"]?[0]?["result"]?[0]?["value"]?["brushlabels"] == ["blue"])
    }

    @Test func aPictureThatCannotBeReadIsOneEntryAmongOthers() async {
        let fixture = await ServiceFixture()
        let answer = await predict(fixture, ["nowhere.png", Self.uri, "data:;base64,AAAA"], prompt: "red")
        #expect(answer.status == 200)
        let entries = answer.json["results"]?.array ?? []
        #expect(entries.map { $0["result"]?.array?.count } == [nil, 1, nil])
        #expect(entries.map { $0["error"] == nil } == [false, true, false])
        #expect(entries.allSatisfy { $0["model_version"] == "colours" })
        let none = await predict(fixture, ["nowhere.png", "data:;base64,AAAA"], prompt: "red")
        #expect(none.status == 422 && none.problem == "bad-value")
    }

    @Test func whatTimeSufficedForIsKept() async {
        let gate = DispatchSemaphore(value: 1)
        let fixture = await ServiceFixture(gate: gate) { $0.requestTimeout = .milliseconds(300) }
        let answer = await predict(fixture, [Self.uri, Self.uri, Self.uri], prompt: "red")
        gate.signal()
        #expect(answer.status == 200)
        let entries = answer.json["results"]?.array ?? []
        #expect(entries.map { $0["result"]?.array?.count } == [1, nil, nil])
        #expect(entries.last?["error"]?.string?.contains("deadline") == true)
    }

    @Test func whatATaskHasAlreadyCostsNothing() async {
        let fixture = await ServiceFixture()
        let runs = "[" + String(repeating: "255,", count: 200_000) + "0]"
        let body = """
            {"tasks":[{"id":1,"predictions":[{"result":[{"value":{"rle":\(runs)}}]}],\
            "data":{"photo":"\(Self.uri)"}}],"label_config":"<View><Image name='image' value='$photo'/>\
            <BrushLabels name='tag' toName='image'><Label value='red'/></BrushLabels></View>"}
            """
        let answer = await fixture.send("POST", "/label-studio/predict", body: Array(body.utf8))
        #expect(answer.status == 200 && answer.json["results"]?[0]?["result"]?.array?.count == 1)
    }

    @Test func filesComeFromTheOperatorsFolderOnly() async throws {
        let folder = NSTemporaryDirectory() + "label-studio-\(UUID().uuidString)"
        let inside = folder + "/files/sub"
        let uploads = folder + "/files/media/upload/1"
        for path in [inside, uploads] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for path in [inside + "/a.png", inside + "/a b.png", uploads + "/u.png", folder + "/secret.png"] {
            try Data(ServiceFixture.picture).write(to: URL(fileURLWithPath: path))
        }
        try FileManager.default.createSymbolicLink(
            atPath: inside + "/link.png", withDestinationPath: folder + "/secret.png")
        let fixture = await ServiceFixture { $0.labelStudioFolder = folder + "/files" }
        for name in [
            "sub/a.png", "/sub/a.png", "/data/local-files/?d=sub/a.png", "/data/local-files/?d=sub/a%20b.png",
            "/data/sub/a%20b.png", "/data/upload/1/u.png", "/data/media/upload/1/u.png",
            "http://labels.example:8080/data/upload/1/u.png",
            "https://labels.example/under/data/local-files/?d=sub/a%20b.png",
        ] {
            #expect(await predict(fixture, [name], prompt: "red").status == 200, "\(name)")
        }
        for name in [
            "../secret.png", "/data/../secret.png", "/data/%2e%2e/secret.png", "http://h/data/../secret.png",
            "/data/local-files/?d=../secret.png", "/data/local-files/?d=..%2fsecret.png",
            "ftp://h/data/sub/a.png",
            "/data/sub/a%00.png", "/data/sub/%zz", "sub/../../secret.png", "sub/link.png",
            folder + "/secret.png", "sub", "",
            "nowhere.png",
            "http://127.0.0.1/a.png", "file:///etc/passwd", "data:image/png,abc", "data:;base64,!",
            "sub/a.png\0",
        ] {
            let answer = await predict(fixture, [name], prompt: "red")
            #expect(answer.status == 422, "\(name)")
            #expect(!answer.text.contains(folder))
        }
        let closed = await ServiceFixture()
        let refused = await predict(closed, ["/data/upload/1/u.png"], prompt: "red")
        #expect(refused.status == 422 && refused.text.contains("--label-studio-files"))
    }

    @Test func brokenRequests() async {
        let fixture = await ServiceFixture()
        for configuration in [
            "", "<View/>", "<Image name=\"image\" value=\"$photo\"/>", "<BrushLabels", "<<<>\"'",
        ] {
            let answer = await predict(fixture, [Self.uri], prompt: "red", configuration: configuration)
            #expect(answer.status == 422, "\(configuration)")
        }
        for body in ["{}", "[]", "{\"tasks\":1}", "{\"tasks\":[],\"label_config\":1}"] {
            let answer = await fixture.send("POST", "/label-studio/predict", body: Array(body.utf8))
            #expect(answer.status == 422, "\(body)")
        }
        let listed: JSONValue = ["tasks": [], "label_config": .string(Self.configuration), "params": [1]]
        #expect(await fixture.send("POST", "/label-studio/predict", body: listed.encoded()).status == 422)
        #expect(await fixture.send("POST", "/label-studio/predict", body: [0x7B]).status == 400)
        for length in 0...Self.configuration.count {
            // Whatever the cut leaves: an answer, never a trap.
            let answer = await predict(
                fixture, [Self.uri], prompt: "red", configuration: String(Self.configuration.prefix(length)))
            #expect([200, 422].contains(answer.status))
        }
    }
}

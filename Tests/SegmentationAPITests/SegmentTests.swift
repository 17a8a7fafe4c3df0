import Dispatch
import HTTP1
import Images
import SegmentationAPI
import Testing

@Suite(.timeLimit(.minutes(1))) struct SegmentTests {
    @Test func aFormGivesMasksBoxesAndRejections() async throws {
        let fixture = await ServiceFixture()
        let answer = await fixture.form([
            ("expression", "red"), ("expression", " absent\n"), ("format", "png,coco_rle,label_studio_rle"),
        ])
        #expect(answer.status == 200)
        #expect(answer.headers["Content-Type"] == "application/json")
        let results = try #require(answer.json["results"])
        let mask = try #require(results[0]?["masks"]?[0])
        #expect(results[0]?["rejected"] == false)
        #expect(results[0]?["score"] == .number(0.93))
        #expect(results[0]?["reject_score"] == .number(0.25))
        #expect(mask["bbox"] == [1, 1, 3, 2])
        #expect(mask["area"] == 4)
        #expect(mask["coco_rle"] == ["size": [3, 5], "counts": "4121OO3"])
        #expect(mask["label_studio_rle"]?.array?.count == 17)
        let png = try #require(mask["png"]?.string.flatMap { Base64.decode($0) })
        let decoded = try ImageDecoder.decode(png).image
        #expect(decoded.width == 5 && decoded.height == 3)
        #expect(decoded.pixels[(5 + 1) * 3] == 255 && decoded.pixels[0] == 0)
        #expect(results[1]?["expression"] == "absent")
        #expect(results[1]?["rejected"] == true)
        #expect(results[1]?["reject_score"] == .number(0.98))
        #expect(results[1]?["masks"] == [])
        #expect(results[1]?["score"] == nil)
        let picture = try #require(answer.json["image"])
        #expect(picture["width"] == 5 && picture["height"] == 3)
        #expect(picture["exif_orientation"] == 1)
        let digest = try #require(picture["sha256"]?.string)
        #expect(answer.headers["X-Image-Digest"] == "sha256:\(digest)")
        #expect(answer.json["model"] == "colours")
        #expect(answer.json["cache"]?["image"] == "miss")
        #expect(answer.json["timings_ms"]?["decode"]?.number ?? -1 >= 0)
        #expect(answer.json["id"]?.string == answer.headers["X-Request-ID"])
    }

    @Test func aKnownPictureIsAskedAgainByItsID() async throws {
        let fixture = await ServiceFixture()
        let first = await fixture.form([("expression", "red")])
        let id = try #require(first.json["image"]?["image_id"]?.string)
        for name in [id, "sha256:\(id)"] {
            let again = await fixture.json([
                "image_id": .string(name), "expressions": ["red", "blue"], "format": "none",
            ])
            #expect(again.status == 200)
            #expect(again.json["results"]?[1]?["masks"]?[0]?["area"] == 11)
            #expect(again.json["results"]?[1]?["masks"]?[0]?["png"] == nil)
        }
        let inURL = await fixture.send(
            "POST", "/segment", query: [("image_id", id), ("expression", "red")])
        #expect(inURL.status == 200)
    }

    @Test func anEvictedPictureIs404WithAProblemOfItsOwn() async throws {
        let fixture = await ServiceFixture { $0.pictureStoreBytes = 44 }
        let first = await fixture.form([("expression", "red")])
        let id = try #require(first.json["image"]?["image_id"]?.string)
        let again = await fixture.json(["image_id": .string(id), "expression": "red"])
        #expect(again.status == 404)
        #expect(again.problem == "image-unknown")
    }

    @Test func theOtherTwoBodies() async {
        let fixture = await ServiceFixture()
        let json = await fixture.json([
            "image": .string(Base64.encode(ServiceFixture.picture)), "expression": "red",
            "threshold": 0.4.json,
            "format": ["coco_rle", "polygon"], "mode": "packed", "deadline_ms": 60000, "union": true,
        ])
        #expect(json.status == 200, "\(json.text)")
        let mask = json.json["results"]?[0]?["masks"]?[0]
        #expect(mask?["polygon"]?[0]?["outer"]?[0] == [1, 1])
        #expect(mask?["png"] == nil)
        // As near to its ends as a 64-bit number gets, the threshold is still inside.
        for threshold in [0.9999999999999999, 1e-300] {
            let answer = await fixture.json([
                "image": .string(Base64.encode(ServiceFixture.picture)), "expression": "red",
                "threshold": threshold.json,
            ])
            #expect(answer.status == 200, "\(answer.text)")
        }
        let uri = "data:image/png;base64," + Base64.encode(ServiceFixture.picture)
        #expect(await fixture.json(["image": .string(uri), "expression": "red"]).status == 200)
        for type in ["image/png", "image/x-odd", "application/octet-stream", nil] {
            var headers: HTTPHeaders = [:]
            headers["Content-Type"] = type
            let raw = await fixture.send(
                "POST", "/segment",
                query: [("expression", "red"), ("expression", "blue"), ("format", "none")],
                headers: headers, body: ServiceFixture.picture)
            #expect(raw.json["results"]?.array?.count == 2, "\(raw.text)")
        }
    }

    @Test func theBodyWinsOverTheURL() async {
        let fixture = await ServiceFixture()
        let body: JSONValue = [
            "image": .string(Base64.encode(ServiceFixture.picture)), "expression": "red", "format": "none",
        ]
        let answer = await fixture.send(
            "POST", "/segment",
            query: [
                ("expression", "blue"), ("expression", "green"), ("format", "png"), ("union", "true"),
                ("image_id", String(repeating: "0", count: 64)),
            ], headers: ["Content-Type": "application/json"], body: body.encoded())
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.json["results"]?.array?.count == 1)
        #expect(answer.json["results"]?[0]?["expression"] == "red")
        #expect(answer.json["results"]?[0]?["masks"]?[0]?["png"] == nil)
    }

    @Test func onePNGWhenThatIsAccepted() async throws {
        let fixture = await ServiceFixture()
        let red = await fixture.form([("expression", "red")], accept: "image/png")
        #expect(red.headers["Content-Type"] == "image/png")
        #expect(red.headers["X-Rejected"] == "false")
        #expect(white(try ImageDecoder.decode(red.body).image) == 4)
        let all = await fixture.form([("expression", "red"), ("expression", "blue")], accept: "image/png")
        #expect(white(try ImageDecoder.decode(all.body).image) == 15)
        let none = await fixture.form([("expression", "absent")], accept: "image/*")
        #expect(none.status == 200)
        #expect(none.headers["X-Rejected"] == "true")
        #expect(white(try ImageDecoder.decode(none.body).image) == 0)
        let overlay = await fixture.form([("expression", "red"), ("format", "overlay")], accept: "image/png")
        let drawn = try ImageDecoder.decode(overlay.body).image
        #expect(Array(drawn.pixels[0..<3]) == [10, 10, 200])
        #expect(Array(drawn.pixels[18..<21]) == [213, 94, 0])
    }

    @Test func overlayInTheDocument() async throws {
        let fixture = await ServiceFixture()
        let answer = await fixture.form([("expression", "red"), ("format", "overlay,coco_rle")])
        let png = try #require(answer.json["overlay"]?.string.flatMap { Base64.decode($0) })
        #expect(try ImageDecoder.decode(png).image.width == 5)
    }

    @Test func aLineForEachExpression() async throws {
        let fixture = await ServiceFixture()
        let answer = await fixture.form(
            [
                ("expression", "red"), ("expression", "absent"), ("expression", "break"),
                ("expression", "blue"),
            ],
            accept: "application/x-ndjson")
        #expect(answer.headers["Content-Type"] == "application/x-ndjson")
        let lines = answer.body.split(separator: 0x0A).map { (try? JSONParser.parse(Array($0))) ?? .null }
        #expect(lines.count == 3)
        #expect(lines[0]["index"] == 0 && lines[0]["expression"] == "red")
        #expect(lines[0]["image"]?["width"] == 5)
        #expect(lines[1]["index"] == 1 && lines[1]["rejected"] == true)
        #expect(lines[2]["type"] == "urn:mllmseg:problem:model-error")
        #expect(fixture.engine.status.waiting == 0)
    }

    @Test func packedLinesComeFromOnePieceOfWork() async {
        let fixture = await ServiceFixture()
        let answer = await fixture.form(
            [("expression", "red"), ("expression", "blue"), ("mode", "packed")],
            accept: "application/x-ndjson")
        #expect(answer.body.split(separator: 0x0A).count == 2)
        #expect(fixture.registry.render().contains("mllmseg_batch_size_count 1\n"))
    }

    @Test func severalTargetsAndTheirUnion() async {
        let fixture = await ServiceFixture()
        let apart = await fixture.form([("expression", "two colours"), ("format", "none")])
        #expect(apart.json["results"]?[0]?["masks"]?.array?.count == 2)
        // (4 * 0.93 + 11 * 0.5) / 15
        #expect(apart.json["results"]?[0]?["score"] == .number(0.614667))
        let union = await fixture.form([
            ("expression", "two colours"), ("format", "none"), ("union", "true"),
        ])
        #expect(
            union.json["results"]?[0]?["masks"] == [
                ["bbox": [0, 0, 5, 3], "area": 15, "score": .number(0.614667)]
            ])
    }

    private func white(_ image: RGBImage) -> Int {
        stride(from: 0, to: image.pixels.count, by: 3).count { image.pixels[$0] == 255 }
    }
}

extension Double {
    var json: JSONValue { .number(self) }
}

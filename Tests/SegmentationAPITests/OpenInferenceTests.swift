import HTTP1
import SegmentationAPI
import Testing

@Suite(.timeLimit(.minutes(1))) struct OpenInferenceTests {
    private static let picture = ServiceFixture.picture
    private static let infer = "/v2/models/colours/infer"

    private func send(
        _ fixture: ServiceFixture, _ document: JSONValue, blobs: [UInt8] = [], headerLength: String? = nil,
        path: String = infer
    ) async -> Answer {
        let json = document.encoded()
        var headers: HTTPHeaders = [:]
        if !blobs.isEmpty || headerLength != nil {
            headers["inference-header-content-length"] = headerLength ?? String(json.count)
        }
        return await fixture.send("POST", path, headers: headers, body: json + blobs)
    }

    private func document(_ expressions: [String], members: [JSONMember] = []) -> JSONValue {
        .object(
            [
                JSONMember(
                    "inputs",
                    [
                        [
                            "name": "image", "shape": [1], "datatype": "BYTES",
                            "data": [.string(Base64.encode(Self.picture))],
                        ],
                        [
                            "name": "expression", "shape": [JSONValue(expressions.count)],
                            "datatype": "BYTES",
                            "data": .array(expressions.map { .string($0) }),
                        ],
                    ])
            ] + members)
    }

    /// Length and bytes, as the protocol's BYTES elements.
    private func element(_ bytes: [UInt8]) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
    }

    @Test func namesServerModelAndTensors() async {
        let fixture = await ServiceFixture()
        let server = await fixture.send("GET", "/v2")
        #expect(server.json["extensions"] == ["binary_tensor_data"])
        #expect(await fixture.send("GET", "/v2/models/").json["models"] == ["colours"])
        for path in ["/v2/models/colours", "/v2/models/colours/", "/v2/models/colours/versions/1"] {
            let model = await fixture.send("GET", path).json
            #expect(model["name"] == "colours")
            #expect(model["inputs"]?[1] == ["name": "expression", "datatype": "BYTES", "shape": [-1]])
            #expect(model["outputs"]?.array?.count == 5)
        }
        #expect(
            await fixture.send("GET", "/v2/models/colours/ready").json == ["name": "colours", "ready": true])
        for path in ["/v2/models/other", "/v2/models/colours/versions/2", "/v2/models/other/ready"] {
            let missing = await fixture.send("GET", path)
            #expect(missing.status == 404)
            #expect(missing.json["error"]?.string != nil)
        }
        let loading = await ServiceFixture(load: false)
        #expect(await loading.send("GET", "/v2/models/colours/ready").status == 503)
    }

    @Test func infersFromJSON() async {
        let fixture = await ServiceFixture()
        let answer = await send(
            fixture, document(["red", "absent", "blue"], members: [JSONMember("id", "mine")]))
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.headers["Content-Type"] == "application/json")
        #expect(answer.json["id"] == "mine")
        #expect(answer.json["model_name"] == "colours")
        let outputs = answer.json["outputs"]
        #expect(outputs?[0]?["name"] == "masks")
        #expect(outputs?[0]?["shape"] == [2, 3, 5])
        #expect(
            outputs?[0]?["data"]?.array?.prefix(15).map { $0.integer ?? -1 } == [
                0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 0,
            ])
        #expect(outputs?[1]?["data"] == [1, 1, 3, 2, 0, 0, 5, 3])
        #expect(outputs?[2]?["data"] == [.number(0.93), .number(0.93)])
        #expect(
            outputs?[3] == [
                "name": "rejected", "shape": [3], "datatype": "BOOL", "data": [false, true, false],
            ])
        #expect(outputs?[4]?["data"] == [0, 2])
        let made = await send(fixture, document(["red"]))
        #expect(made.json["id"]?.string?.isEmpty == false)
    }

    @Test func infersFromAndToBytes() async throws {
        let fixture = await ServiceFixture()
        let picture = element(Self.picture)
        let phrase = element(Array("red".utf8))
        let document: JSONValue = [
            "inputs": [
                [
                    "name": "image", "shape": [1, 1], "datatype": "BYTES",
                    "parameters": ["binary_data_size": JSONValue(picture.count)],
                ],
                [
                    "name": "expression", "shape": [1], "datatype": "BYTES",
                    "parameters": ["binary_data_size": JSONValue(phrase.count)],
                ],
            ],
            "outputs": [
                ["name": "boxes", "parameters": ["binary_data": true]], ["name": "scores"],
                ["name": "masks", "parameters": ["binary_data": true]],
                ["name": "rejected", "parameters": ["binary_data": true]],
                ["name": "expression_index", "parameters": ["binary_data": true]],
            ],
        ]
        let answer = await send(fixture, document, blobs: picture + phrase)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.headers["Content-Type"] == "application/octet-stream")
        let length = try #require(answer.headers["Inference-Header-Content-Length"].flatMap { Int($0) })
        let json = try JSONParser.parse(Array(answer.body[..<length]))
        #expect(json["outputs"]?[1]?["data"] == [.number(0.93)])
        #expect(json["outputs"]?[2]?["parameters"] == ["binary_data_size": 15])
        let blobs = Array(answer.body[length...])
        // 1, 1, 3, 2 as float32, then 15 mask bytes, one BOOL, one INT32.
        #expect(
            blobs == [
                0, 0, 0x80, 0x3F, 0, 0, 0x80, 0x3F, 0, 0, 0x40, 0x40, 0, 0, 0, 0x40,  //
                0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
            ])
        let all = await send(
            fixture, self.document(["red"], members: [JSONMember("parameters", ["binary_data_output": true])])
        )
        #expect(all.headers["Inference-Header-Content-Length"] != nil)
    }

    @Test func refusesBrokenRequests() async {
        let fixture = await ServiceFixture()
        let good = document(["red"])
        for length in ["-1", "x", "", "99999", "1.5", "+5"] {
            let answer = await send(fixture, good, headerLength: length)
            #expect(answer.status == 400, "\(length): \(answer.text)")
            #expect(answer.json["error"]?.string != nil)
        }
        #expect(await send(fixture, good, headerLength: "0").status == 422)
        #expect(await send(fixture, good, blobs: [1]).status == 400)
        #expect(await send(fixture, good, path: "/v2/models/other/infer").status == 404)
        let table: [JSONValue] = [
            [:], [], ["inputs": 1], ["inputs": []], ["inputs": [["name": "image"]]],
            ["inputs": [["name": "image", "datatype": "UINT8", "shape": [1], "data": [1]]]],
            ["inputs": [["name": "image", "datatype": "BYTES", "data": ["AA=="]]]],
            ["inputs": [["name": "image", "datatype": "BYTES", "shape": [2], "data": ["AA=="]]]],
            ["inputs": [["name": "image", "datatype": "BYTES", "shape": [-1], "data": ["AA=="]]]],
            [
                "inputs": [
                    ["name": "image", "datatype": "BYTES", "shape": [1e15.json, 1e15.json], "data": []]
                ]
            ],
            ["inputs": [["name": "image", "datatype": "BYTES", "shape": [1], "data": [1]]]],
            ["inputs": [["name": "other", "datatype": "BYTES", "shape": [1], "data": ["x"]]]],
            [
                "inputs": [
                    [
                        "name": "image", "datatype": "BYTES", "shape": [1],
                        "parameters": ["binary_data_size": 7],
                    ]
                ]
            ],
            document([]), document(["red"], members: [JSONMember("outputs", [["name": "nope"]])]),
            document(["red"], members: [JSONMember("outputs", 5)]),
            document(["red"], members: [JSONMember("parameters", ["threshold": 7])]),
            document(["red"], members: [JSONMember("id", 5)]),
        ]
        for document in table {
            let answer = await send(fixture, document)
            #expect(answer.status == 422, "\(answer.text)")
            #expect(answer.json["error"]?.string != nil)
        }
        #expect(fixture.engine.status.waiting == 0)
    }

    @Test func blobsCutAnywhereAreRefused() async {
        let fixture = await ServiceFixture()
        let phrases = element(Array("red".utf8)) + element(Array("blue".utf8))
        for length in 0..<phrases.count {
            let document: JSONValue = [
                "inputs": [
                    [
                        "name": "image", "shape": [1], "datatype": "BYTES",
                        "data": [.string(Base64.encode(Self.picture))],
                    ],
                    [
                        "name": "expression", "shape": [2], "datatype": "BYTES",
                        "parameters": ["binary_data_size": JSONValue(length)],
                    ],
                ]
            ]
            let answer = await send(
                fixture, document, blobs: Array(phrases[..<length]),
                headerLength: String(document.encoded().count))
            #expect(answer.status == 422, "\(length)")
        }
    }
}

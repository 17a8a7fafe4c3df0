import Foundation
import HTTP1
import Images
import SegmentationAPI
import Testing

/// Asks what a real Label Studio asked (Tests/Clients/record_label_studio.py), and holds the answers to those
/// that it was content with: the same status, the same members, and masks that are the model's.
@Suite(.timeLimit(.minutes(1))) struct LabelStudioConversationTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func exchanges() throws -> [JSONValue] {
        let file = root.appending(path: "Tests/Clients/label_studio_conversation.json")
        return try JSONParser.parse([UInt8](Data(contentsOf: file)))["exchanges"]?.array ?? []
    }

    /// Puts the recorded picture where Label Studio keeps what the tasks name.
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "label-studio-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let picture = try Data(contentsOf: Self.root.appending(path: "Public/samples/apples.png"))
        let named = Set(
            try Self.exchanges().flatMap { Self.tasks($0) }.compactMap { $0["data"]?["image"]?.string })
        #expect(named.count == 3)
        // One task's picture was not there.
        for name in named where !name.hasSuffix("/gone.png") {
            let path =
                name.replacing("/data/local-files/?d=", with: "").replacing(
                    "/data/upload/", with: "media/upload/"
                )
                .removingPercentEncoding ?? name
            let file = URL(fileURLWithPath: folder + "/" + path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try picture.write(to: file)
        }
        try await body(folder)
    }

    private static func tasks(_ exchange: JSONValue) -> [JSONValue] {
        exchange["body"]?["tasks"]?.array ?? []
    }

    @Test func everyRequestIsAnsweredAsLabelStudioTookIt() async throws {
        let paths = Set(try Self.exchanges().compactMap { $0["path"]?.string })
        #expect(
            paths
                == ["health", "setup", "versions", "predict", "webhook"].reduce(into: []) {
                    $0.insert("/label-studio/" + $1)
                })
        try await withFolder { folder in
            let fixture = await ServiceFixture { $0.labelStudioFolder = folder }
            for exchange in try Self.exchanges() {
                let answer = await ask(exchange, fixture)
                #expect(answer.status == exchange["status"]?.integer)
                #expect(answer.headers["Content-Type"] == "application/json")
                let recorded = exchange["answer"] ?? .null
                #expect(Self.kinds(answer.json) == Self.kinds(recorded), "\(exchange["path"] ?? nil)")
            }
        }
    }

    @Test func everyMaskIsTheModelsOwn() async throws {
        let pixels = try ImageDecoder.decode(
            [UInt8](Data(contentsOf: Self.root.appending(path: "Public/samples/apples.png")))
        ).image
        var seen = 0
        try await withFolder { folder in
            let fixture = await ServiceFixture { $0.labelStudioFolder = folder }
            for exchange in try Self.exchanges()
            where !Self.tasks(exchange).isEmpty && exchange["status"] == 200 {
                let entries = await ask(exchange, fixture).json["results"]?.array ?? []
                #expect(entries.count == Self.tasks(exchange).count)
                for (entry, task) in zip(entries, Self.tasks(exchange)) {
                    let isGone = task["data"]?["image"]?.string?.hasSuffix("/gone.png") == true
                    #expect((entry["result"] == nil) == isGone)
                }
                for region in entries.flatMap({ $0["result"]?.array ?? [] }) {
                    let label = region["value"]?["brushlabels"]?[0]?.string ?? ""
                    let runs =
                        region["value"]?["rle"]?.array?.compactMap { $0.integer.map { UInt8($0) } } ?? []
                    let drawn = try BrushReader.decode(runs)
                    #expect(drawn == Self.colour(label == "green apple" ? 1 : 0, pixels))
                    #expect(region["original_width"] == 480 && region["original_height"] == 320)
                    seen += 1
                }
            }
        }
        // One for each label of three tasks, then two phrases that were typed.
        #expect(seen == 8)
    }

    private func ask(_ exchange: JSONValue, _ fixture: ServiceFixture) async -> Answer {
        let kind = exchange["content_type"]?.string
        return await fixture.send(
            exchange["method"]?.string ?? "", exchange["path"]?.string ?? "",
            headers: kind.map { ["Content-Type": $0] } ?? [:],
            body: exchange["body"].map { $0 == .null ? [] : $0.encoded() } ?? [])
    }

    /// The names of all members and the kinds of their values; how long arrays of numbers are doesn't count.
    private static func kinds(_ value: JSONValue) -> [String] {
        switch value {
        case .object(let members):
            members.flatMap { member in kinds(member.value).map { "\(member.name).\($0)" } } + ["object"]
        case .array(let elements): Set(elements.flatMap { kinds($0) }).sorted().map { "[]\($0)" }
        case .string: ["string"]
        case .number: ["number"]
        default: ["other"]
        }
    }

    /// Where `channel` is the strongest, four bytes a pixel as brushes have.
    private static func colour(_ channel: Int, _ image: RGBImage) -> [UInt8] {
        (0..<image.width * image.height).flatMap { pixel -> [UInt8] in
            let colours = image.pixels[pixel * 3..<pixel * 3 + 3].map { Int($0) }
            let isInside = (0..<3).allSatisfy { $0 == channel || colours[channel] > colours[$0] }
            return [UInt8](repeating: isInside ? 255 : 0, count: 4)
        }
    }
}

/// Label Studio's brush runs, read as its own decoder does.
private struct BrushReader {
    struct TooShort: Error {}

    private let bytes: [UInt8]
    private var position = 0

    static func decode(_ bytes: [UInt8]) throws -> [UInt8] {
        var reader = BrushReader(bytes: bytes)
        let count = try reader.bits(32)
        let word = try reader.bits(5) + 1
        let sizes = try (0..<4).map { _ in try reader.bits(4) + 1 }
        var values: [UInt8] = []
        while values.count < count {
            let isRun = try reader.bits(1) == 1
            let length = try reader.bits(sizes[reader.bits(2)]) + 1
            if isRun {
                values += [UInt8](repeating: UInt8(try reader.bits(word)), count: length)
            } else {
                for _ in 0..<length { values.append(UInt8(try reader.bits(word))) }
            }
        }
        return values
    }

    private mutating func bits(_ count: Int) throws -> Int {
        var value = 0
        for _ in 0..<count {
            guard position / 8 < bytes.count else { throw TooShort() }
            value = value << 1 | Int(bytes[position / 8] >> UInt8(7 - position % 8) & 1)
            position += 1
        }
        return value
    }
}

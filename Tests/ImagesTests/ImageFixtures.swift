import FoundationEssentials
import Images
import Testing

/// The files of Fixtures/ and what they show (`make_fixtures.py`).
enum ImageFixtures {
    struct Expectation: Decodable, Sendable {
        var width: Int
        var height: Int
        var orientation: Int
        /// How far a sample may be off, of 255: 0 except where the coding is lossy.
        var tolerance: Int
        var hash: String?
        /// x, y, red, green, blue.
        var samples: [[Int]]
    }

    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    static let expected: [String: Expectation] = {
        let data = (try? Data(contentsOf: directory.appending(path: "expected.json"))) ?? Data()
        return (try? JSONDecoder().decode([String: Expectation].self, from: data)) ?? [:]
    }()

    static let names = expected.keys.sorted()

    static func bytes(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: directory.appending(path: name)))
    }

    static func fnv1a(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}

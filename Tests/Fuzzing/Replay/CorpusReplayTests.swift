import Foundation
import Testing

/// Every file of the fuzzing corpus, each seed as well as each finding of old, through its target: whole, cut
/// short at many places, and with its first bytes changed.
@Suite struct CorpusReplayTests {
    private typealias Check = @Sendable ([UInt8]) throws -> Void

    private static let targets: [(name: String, check: Check)] = [
        ("Request", RequestFuzz.check), ("Chunked", ChunkedFuzz.check), ("Multipart", MultipartFuzz.check),
        ("Connection", ConnectionFuzz.check), ("JSON", JSONFuzz.check), ("PNG", PictureFuzz.check),
        ("JPEG", PictureFuzz.check), ("WebP", PictureFuzz.check), ("Safetensors", SafetensorsFuzz.check),
        ("Configuration", ConfigurationFuzz.check), ("SentencePiece", SentencePieceFuzz.check),
    ]

    private static func files(_ target: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = try #require(Bundle.module.resourceURL).appending(path: "Corpus/\(target)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
            ($0, [UInt8](try Data(contentsOf: folder.appending(path: $0))))
        }
    }

    @Test(arguments: targets.map(\.name)) func replay(_ target: String) throws {
        let check = try #require(Self.targets.first { $0.name == target }).check
        let files = try Self.files(target)
        #expect(files.count >= 3, "a corpus of \(files.count)")
        for (name, bytes) in files {
            #expect(throws: Never.self, "\(target)/\(name)") { try check(bytes) }
            for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 50)) {
                #expect(throws: Never.self, "\(target)/\(name) cut at \(length)") {
                    try check(Array(bytes[..<length]))
                }
            }
            for (index, byte) in zip(bytes.indices.prefix(32), stride(from: 0, to: 256, by: 8)) {
                var changed = bytes
                changed[index] = UInt8(byte)
                #expect(throws: Never.self, "\(target)/\(name) with byte \(index) changed") {
                    try check(changed)
                }
            }
        }
    }
}

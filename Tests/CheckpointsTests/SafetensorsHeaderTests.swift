import Checkpoints
import Testing

/// Files from strangers: each broken one is refused with a message that names what is wrong.
@Suite struct SafetensorsHeaderTests {
    private static let good =
        #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
        + #""b":{"dtype":"BF16","shape":[],"data_offsets":[8,10]}}"#

    private func file(_ header: String, data: Int, length: UInt64? = nil) -> [UInt8] {
        let text = Array(header.utf8)
        let count = length ?? UInt64(text.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * UInt64($0))) } + text
            + [UInt8](repeating: 0, count: data)
    }

    private func parse(_ bytes: [UInt8]) throws -> [TensorEntry] {
        try bytes.withUnsafeBytes { try SafetensorsHeader.parse($0, path: "x.safetensors").entries }
    }

    @Test func readsAGoodHeader() throws {
        let entries = try parse(file(Self.good, data: 10))
        #expect(entries.map(\.key) == ["a", "b"])
        #expect(entries[0] == TensorEntry(key: "a", type: .float32, shape: [2], range: 0..<8))
        #expect(entries[1].shape == [])
    }

    @Test(arguments: [
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, 8, "expected , or }"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x"#, 8, "after the closing brace"),
        (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "needs 12 bytes"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 9, "1 bytes after the last tensor"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7, "the file holds 7"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8, "are no range"),
        (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8, "not negative"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, 12, "belong to no tensor"),
        (#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#, 8, "unsupported dtype F64"),
        (#"{"a":{"dtype":"F32","shape":[2]}}"#, 8, "all required"),
        (#"{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8, "repeated field"),
        (#"{"a":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,8]}}"#, 8, "overflows"),
        (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#, 8, "too large"),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            8, "duplicate key a"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
            12, "overlap"
        ),
        ("", 8, "expected {"), ("[]", 0, "expected {"), ("{\"a", 0, "without end"),
        ("{\"\u{1}\":1}", 0, "control character"), (#"{"\ud800":1}"#, 0, "bad \\u escape"),
        (#"{"\u+041":1}"#, 0, "bad \\u escape"),
    ])
    func refuses(header: String, data: Int, message: String) throws {
        let error = #expect(throws: CheckpointError.self) { try parse(file(header, data: data)) }
        let text = try #require(error).description
        #expect(text.contains("x.safetensors"))
        #expect(text.contains(message), "\(text)")
    }

    @Test func refusesLengthsBeyondTheFileAndPickles() {
        for bytes in [[], [1, 2, 3], file("{}", data: 0, length: 3), file("{}", data: 0, length: .max)] {
            #expect(throws: CheckpointError.self) { try parse(bytes) }
        }
        let pickle: [UInt8] = [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20]
        #expect(throws: CheckpointError.pickleRefused(path: "x.safetensors")) { try parse(pickle) }
    }

    @Test func everyPrefixAndManyMutationsAreRefusedOrReadButNeverTrap() {
        let whole = file(Self.good, data: 10)
        for count in 0..<whole.count {
            #expect(throws: CheckpointError.self) { try parse(Array(whole.prefix(count))) }
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255)
            }
            _ = try? parse(bytes)
        }
    }
}

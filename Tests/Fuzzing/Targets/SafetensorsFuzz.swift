#if !FUZZING
    import Checkpoints
#endif

/// A header that is accepted describes the data without a gap or an overlap. With an odd first byte the rest is
/// the header's text, and the second byte says how much data follows it.
enum SafetensorsFuzz {
    static func check(_ input: [UInt8]) throws(FuzzFinding) {
        guard input.count >= 2 else { return }
        let file =
            input[0] % 2 == 0 ? Array(input.dropFirst()) : framed(input.dropFirst(2), data: Int(input[1]))
        let header = file.withUnsafeBytes { bytes in
            Result { () throws(CheckpointError) in try SafetensorsHeader.parse(bytes, path: "x") }
        }
        guard case .success(let (entries, dataStart)) = header else { return }
        var end = 0
        for entry in entries.sorted(by: {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }) {
            try require(entry.range.lowerBound == end, "a gap or an overlap before \(entry.key)")
            let bytes = entry.shape.reduce(entry.type.bytes, *)
            try require(bytes == entry.range.count, "\(entry.key) has another size than its shape")
            end = entry.range.upperBound
        }
        try require(dataStart + end == file.count, "the data are not the rest of the file")
        try require(Set(entries.map(\.key)).count == entries.count, "a key twice")
    }

    private static func framed(_ text: ArraySlice<UInt8>, data: Int) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
            + [UInt8](repeating: 0, count: data)
    }
}

import FoundationEssentials
import Images
import Testing

/// Real photographs against Pillow: `compare_with_pillow.py` writes the file that the environment variable names
/// and runs this suite.
@Suite struct PillowComparison {
    struct Case: Decodable {
        var path: String
        var width: Int
        var height: Int
        /// Raw RGB files by Pillow.
        var decoded: String
        var resized: String
    }

    static let cases = ProcessInfo.processInfo.environment["MLLMSEG_PILLOW_CASES"]

    private func read(_ path: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(filePath: path)))
    }

    private func difference(_ left: [UInt8], _ right: [UInt8]) -> Int {
        guard left.count == right.count else { return 256 }
        return zip(left, right).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
    }

    @Test(.enabled(if: cases != nil, "set MLLMSEG_PILLOW_CASES, or run compare_with_pillow.py"))
    func photographsEqualPillow() throws {
        let lines = try read(#require(Self.cases)).split(separator: UInt8(ascii: "\n"))
        var (worstDecoded, worstResized, worstTotal) = (0, 0, 0)
        for line in lines {
            let test = try JSONDecoder().decode(Case.self, from: Data(line))
            let image = try ImageDecoder.decode(read(test.path)).image
            let byPillow = try read(test.decoded)
            worstDecoded = max(worstDecoded, difference(image.pixels, byPillow))
            let expected = try read(test.resized)
            let same = RGBImage(width: image.width, height: image.height, pixels: byPillow)
                .resizedBicubic(width: test.width, height: test.height)
            worstResized = max(worstResized, difference(same.pixels, expected))
            let whole = image.resizedBicubic(width: test.width, height: test.height)
            worstTotal = max(worstTotal, difference(whole.pixels, expected))
        }
        print(
            "\(lines.count) photographs, largest differences of 255: decoding \(worstDecoded), "
                + "resizing the same pixels \(worstResized), both \(worstTotal)")
        #expect(!lines.isEmpty)
        #expect(worstResized == 0)
        #expect(worstTotal <= 1)
    }
}

import Foundation
import Segmentation
import Testing

/// One mask and what pycocotools and label-studio-sdk say of it (see Fixtures/make_run_length.py).
private struct Reference: Decodable {
    var rows: [String]
    var counts: [Int]
    var compressed: String
    var area: Int
    var bbox: [Int]
    var label_studio: [UInt8]

    static func all() throws -> [Reference] {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/run_length", withExtension: "json"))
        return try JSONDecoder().decode([Reference].self, from: Data(contentsOf: url))
    }
}

@Suite struct RunLengthTests {
    @Test func agreesWithPycocotools() throws {
        let references = try Reference.all()
        #expect(references.count > 30)
        for reference in references {
            let mask = Mask(rows: reference.rows)
            let runs = COCORunLength(mask)
            #expect(runs.counts == reference.counts)
            #expect(runs.compressedCounts == reference.compressed)
            #expect(runs.size == [mask.height, mask.width])
            #expect(mask.area == reference.area)
            #expect(mask.boundingBox.xywh == reference.bbox)
        }
    }

    @Test func readsItsOwnAndPycocotoolsStrings() throws {
        for reference in try Reference.all() {
            let mask = Mask(rows: reference.rows)
            let runs = try COCORunLength(
                height: mask.height, width: mask.width, compressedCounts: reference.compressed)
            #expect(runs.counts == reference.counts)
            #expect(runs.mask == mask)
        }
    }

    @Test func agreesWithLabelStudio() throws {
        for reference in try Reference.all() {
            #expect(LabelStudioRunLength(Mask(rows: reference.rows)).bytes == reference.label_studio)
        }
    }

    @Test func goldenVectors() {
        let mask = Mask(rows: ["00000", "01110", "00100"])
        #expect(COCORunLength(mask).compressedCounts == "4121OO3")
        #expect(COCORunLength(mask).counts == [4, 1, 2, 2, 1, 1, 4])
        #expect(mask.area == 4)
        #expect(mask.boundingBox.xywh == [1, 1, 3, 2])
        #expect(
            LabelStudioRunLength(mask).bytes == [
                0, 0, 0, 60, 57, 27, 254, 23, 0, 183, 255, 108, 2, 63, 249, 192, 0,
            ])
        #expect(COCORunLength(Mask(rows: ["000", "000"])).compressedCounts == "6")
        #expect(COCORunLength(Mask(rows: ["111", "111"])).compressedCounts == "06")
    }

    /// A single run near the largest picture needs five characters of five bits and a sixth for the sign.
    @Test func longRunsSurviveTheRoundTrip() throws {
        for pixels in [31, 32, 511, 512, 16_777_215, 16_777_216, 40_000_000] {
            let runs = try COCORunLength(height: 1, width: pixels, counts: [pixels])
            let again = try COCORunLength(
                height: 1, width: pixels, compressedCounts: runs.compressedCounts)
            #expect(again == runs)
        }
    }

    @Test(arguments: [
        ("", COCORunLengthError.wrongTotal), ("5", .wrongTotal), ("7", .wrongTotal),
        ("/", .badCharacter(offset: 0)), ("p", .badCharacter(offset: 0)), ("33p", .badCharacter(offset: 2)),
        ("o", .badCharacter(offset: 1)), ("oooooooo", .badCharacter(offset: 7)), ("3OOOO", .wrongTotal),
        ("é", .badCharacter(offset: 0)),
    ])
    func refusesBrokenStrings(text: String, error: COCORunLengthError) {
        #expect(throws: error) { try COCORunLength(height: 2, width: 3, compressedCounts: text) }
    }

    @Test func refusesBadCounts() {
        #expect(throws: COCORunLengthError.wrongTotal) {
            try COCORunLength(height: 2, width: 3, counts: [-1, 7])
        }
        #expect(throws: COCORunLengthError.wrongTotal) {
            try COCORunLength(height: 2, width: 3, counts: [3, .max])
        }
        #expect(throws: COCORunLengthError.badSize) { try COCORunLength(height: -1, width: 3, counts: []) }
        #expect(throws: COCORunLengthError.badSize) {
            try COCORunLength(height: .max, width: 3, counts: [])
        }
    }
}

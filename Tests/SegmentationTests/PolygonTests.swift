import Segmentation
import Testing

@Suite struct PolygonTests {
    @Test func aPixelIsASquare() {
        let polygons = Mask(rows: ["000", "010", "000"]).polygons
        #expect(polygons == [Polygon(outer: corners((1, 1), (2, 1), (2, 2), (1, 2)))])
    }

    @Test func straightRunsHaveNoPointsBetween() {
        let polygons = Mask(rows: ["00000", "01110", "00100"]).polygons
        #expect(
            polygons == [
                Polygon(
                    outer: corners((1, 1), (4, 1), (4, 2), (3, 2), (3, 3), (2, 3), (2, 2), (1, 2)))
            ])
    }

    @Test func aRingHasAHoleTheOtherWayRound() throws {
        let polygons = Mask(rows: ["1111", "1001", "1111"]).polygons
        let polygon = try #require(polygons.first)
        #expect(polygons.count == 1)
        #expect(polygon.outer == corners((0, 0), (4, 0), (4, 3), (0, 3)))
        #expect(polygon.holes.count == 1)
        #expect(Set(polygon.holes[0]) == Set(corners((1, 1), (3, 1), (3, 2), (1, 2))))
        #expect(signedArea(polygon.outer) == 12)
        #expect(signedArea(polygon.holes[0]) == -2)
    }

    @Test func pixelsThatTouchAtACornerArePolygonsOfTheirOwn() {
        #expect(Mask(rows: ["10", "01"]).polygons.count == 2)
        #expect(Mask(rows: ["01", "10"]).polygons.count == 2)
    }

    @Test func emptyAndFull() {
        #expect(Mask(width: 4, height: 3).polygons.isEmpty)
        #expect(Mask(width: 0, height: 0).polygons.isEmpty)
        #expect(
            Mask(rows: ["111", "111"]).polygons == [
                Polygon(outer: corners((0, 0), (3, 0), (3, 2), (0, 2)))
            ])
    }

    @Test func aRegionInsideAHoleIsAPolygon() {
        let polygons = Mask(rows: ["11111", "10001", "10101", "10001", "11111"]).polygons
        #expect(polygons.count == 2)
        #expect(polygons[0].holes.count == 1)
        #expect(polygons[1].outer == corners((2, 2), (3, 2), (3, 3), (2, 3)))
    }

    @Test(arguments: [UInt64(3), 20, 50, 80, 97], [(1, 1), (1, 40), (33, 1), (7, 5), (41, 37)])
    func fillingGivesTheMaskBack(percent: UInt64, size: (Int, Int)) {
        for seed in 0..<8 as Range<UInt64> {
            let mask = Mask(
                noise: seed * 977 + percent, width: size.0, height: size.1, percent: percent)
            let polygons = mask.polygons
            #expect(fill(polygons, width: mask.width, height: mask.height) == mask)
            let total = polygons.reduce(0) { sum, polygon in
                sum + signedArea(polygon.outer) + polygon.holes.reduce(0) { $0 + signedArea($1) }
            }
            #expect(total == mask.area)
            #expect(polygons.allSatisfy { signedArea($0.outer) > 0 })
            #expect(polygons.allSatisfy { $0.holes.allSatisfy { signedArea($0) < 0 } })
        }
    }

    /// Even-odd filling, by the vertical edges to the left of each pixel; each polygon on its own.
    private func fill(_ polygons: [Polygon], width: Int, height: Int) -> Mask {
        var mask = Mask(width: width, height: height)
        for polygon in polygons {
            var parity = [UInt8](repeating: 0, count: width * height)
            for ring in [polygon.outer] + polygon.holes {
                for (index, from) in ring.enumerated() {
                    let to = ring[(index + 1) % ring.count]
                    guard from.x == to.x else { continue }
                    for y in min(from.y, to.y)..<max(from.y, to.y) {
                        for x in from.x..<width { parity[y * width + x] ^= 1 }
                    }
                }
            }
            mask.formUnion(Mask(width: width, height: height, pixels: parity))
        }
        return mask
    }

    /// Positive when clockwise on the screen (y downwards).
    private func signedArea(_ ring: [PixelCorner]) -> Int {
        var doubled = 0
        for (index, from) in ring.enumerated() {
            let to = ring[(index + 1) % ring.count]
            doubled += from.x * to.y - to.x * from.y
        }
        return doubled / 2
    }

    private func corners(_ points: (Int, Int)...) -> [PixelCorner] {
        points.map { PixelCorner(x: $0.0, y: $0.1) }
    }
}

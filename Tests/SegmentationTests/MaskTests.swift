import Images
import Segmentation
import Testing

@Suite struct MaskTests {
    @Test func unionKeepsBoth() {
        let union = Mask(rows: ["100", "010"]).union(Mask(rows: ["100", "001"]))
        #expect(union == Mask(rows: ["100", "011"]))
        #expect(union.area == 3)
    }

    @Test func theBoxOfAnEmptyMaskIsZeros() {
        #expect(Mask(width: 5, height: 4).boundingBox == .empty)
        #expect(Mask(width: 0, height: 0).boundingBox == .empty)
    }

    @Test func boxesOfSinglePixels() {
        for y in 0..<3 {
            for x in 0..<4 {
                var mask = Mask(width: 4, height: 3)
                mask.pixels[y * 4 + x] = 1
                #expect(mask.boundingBox.xywh == [x, y, 1, 1])
            }
        }
    }

    @Test func overlayTintsTheInsideAndDrawsTheBorder() {
        let black = RGBImage(width: 7, height: 7, pixels: [UInt8](repeating: 0, count: 147))
        var mask = Mask(width: 7, height: 7)
        for y in 1..<6 { for x in 1..<6 { mask.pixels[y * 7 + x] = 1 } }
        var overlay = Overlay(black)
        overlay.draw(mask, colour: 0)
        func pixel(_ x: Int, _ y: Int) -> [UInt8] {
            Array(overlay.image.pixels[(y * 7 + x) * 3..<(y * 7 + x) * 3 + 3])
        }
        #expect(pixel(0, 0) == [0, 0, 0])
        #expect(pixel(1, 1) == [213, 94, 0])
        #expect(pixel(5, 3) == [213, 94, 0])
        #expect(pixel(3, 3) == [96, 42, 0])
    }

    @Test func overlayHasNoBorderWherePictureEnds() {
        let white = RGBImage(width: 4, height: 4, pixels: [UInt8](repeating: 255, count: 48))
        var overlay = Overlay(white)
        overlay.draw(Mask(width: 4, height: 4, pixels: [UInt8](repeating: 1, count: 16)), colour: -7)
        #expect(Set(overlay.image.pixels).count == 3)
        #expect(overlay.image.pixels[0] > 213)
    }
}

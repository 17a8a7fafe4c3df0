/// A region of a mask by its borders.
///
/// Convention: vertices are pixel corners (pixel (x, y) covers x...x+1, y...y+1, y downwards), so the border
/// runs along pixel edges and filling the polygons gives the mask back exactly, without a tolerance. Regions
/// are 4-connected: pixels that meet only at a corner belong to different polygons. The outer border runs
/// clockwise as seen on the screen, holes counter-clockwise; the first corner isn't repeated at the end. Only
/// corners are listed, straight runs have no points between.
public struct Polygon: Sendable, Equatable {
    public var outer: [PixelCorner]
    public var holes: [[PixelCorner]]

    public init(outer: [PixelCorner], holes: [[PixelCorner]] = []) {
        self.outer = outer
        self.holes = holes
    }
}

/// A corner between pixels: x in 0...width, y in 0...height.
public struct PixelCorner: Sendable, Equatable, Hashable {
    public var x: Int
    public var y: Int

    public init(x: Int, y: Int) {
        self.x = x
        self.y = y
    }
}

extension Mask {
    /// The mask's regions in reading order of their first pixel. Work and memory grow with the number of
    /// pixels; a checkerboard gives one polygon for each of its pixels.
    public var polygons: [Polygon] {
        let labels = connectedRegions
        var tracer = BorderTracer(mask: self)
        var polygons: [Polygon] = []
        var polygonOfLabel: [Int32: Int] = [:]
        for y in 0..<height {
            for x in 0..<width {
                guard let border = tracer.border(from: x, y) else { continue }
                let label = labels[y * width + x]
                // In reading order a region's outer border is met before any of its holes.
                if let index = polygonOfLabel[label] {
                    polygons[index].holes.append(border)
                } else {
                    polygonOfLabel[label] = polygons.count
                    polygons.append(Polygon(outer: border))
                }
            }
        }
        return polygons
    }
}

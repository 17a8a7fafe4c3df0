/// An axis-aligned box in whole pixels, as COCO writes it: `[x, y, width, height]`, where x and y are the
/// left-most column and the top row that belong to the box. The empty box is all zeros.
public struct BoundingBox: Sendable, Equatable {
    public var x: Int
    public var y: Int
    public var width: Int
    public var height: Int

    public init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    public static let empty = BoundingBox(x: 0, y: 0, width: 0, height: 0)

    /// `[x, y, width, height]`.
    public var xywh: [Int] { [x, y, width, height] }
}

extension Mask {
    /// The smallest box around every inside pixel; `.empty` (zeros) for an empty mask, as pycocotools' `toBbox`.
    public var boundingBox: BoundingBox {
        pixels.withUnsafeBufferPointer { pixels in
            var left = width
            var right = -1
            var top = -1
            var bottom = -1
            for y in 0..<height {
                let row = UnsafeBufferPointer(rebasing: pixels[y * width..<(y + 1) * width])
                guard let first = row.firstIndex(where: { $0 != 0 }) else { continue }
                // The row isn't empty, so the scan from its end stops at `first` at the latest.
                var last = width - 1
                while row[last] == 0 { last -= 1 }
                left = min(left, first)
                right = max(right, last)
                if top < 0 { top = y }
                bottom = y
            }
            guard top >= 0 else { return .empty }
            return BoundingBox(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
        }
    }
}

/// Walks along the edges between inside and outside pixels, with the inside on the right hand.
struct BorderTracer {
    private let mask: Mask
    /// `[height, width]`, 1 where the top edge of that pixel has been walked.
    private var walked: [UInt8]

    init(mask: Mask) {
        self.mask = mask
        walked = [UInt8](repeating: 0, count: mask.pixels.count)
    }

    /// The border that holds the top edge of pixel (x, y), or nil when there is none or it was given before.
    /// Every closed border has an edge that leads east, so trying all pixels finds all borders.
    mutating func border(from x: Int, _ y: Int) -> [PixelCorner]? {
        guard inside(x, y), !inside(x, y - 1), walked[y * mask.width + x] == 0 else { return nil }
        var corners: [PixelCorner] = []
        var (cornerX, cornerY) = (x, y)
        var heading = Heading.east
        repeat {
            if heading == .east { walked[cornerY * mask.width + cornerX] = 1 }
            cornerX += heading.x
            cornerY += heading.y
            let next = turn(at: cornerX, cornerY, heading)
            if next != heading { corners.append(PixelCorner(x: cornerX, y: cornerY)) }
            heading = next
        } while !(cornerX == x && cornerY == y && heading == .east)
        // The walk ends with the starting corner; list it first.
        if let last = corners.last, last == PixelCorner(x: x, y: y) {
            corners.removeLast()
            corners.insert(last, at: 0)
        }
        return corners
    }

    /// Turns right whenever the pixel ahead on the right is outside, also where the left one is inside:
    /// that is what makes regions 4-connected.
    private func turn(at x: Int, _ y: Int, _ heading: Heading) -> Heading {
        let (right, left) = heading.pixelsAhead
        if !inside(x + right.x, y + right.y) { return heading.right }
        return inside(x + left.x, y + left.y) ? heading.left : heading
    }

    private func inside(_ x: Int, _ y: Int) -> Bool {
        x >= 0 && y >= 0 && x < mask.width && y < mask.height && mask.pixels[y * mask.width + x] != 0
    }
}

private enum Heading {
    case east, south, west, north

    var x: Int { self == .east ? 1 : self == .west ? -1 : 0 }
    var y: Int { self == .south ? 1 : self == .north ? -1 : 0 }

    var right: Heading {
        switch self {
        case .east: .south
        case .south: .west
        case .west: .north
        case .north: .east
        }
    }

    var left: Heading {
        switch self {
        case .east: .north
        case .south: .east
        case .west: .south
        case .north: .west
        }
    }

    /// The two pixels in front of a corner, on the right and on the left hand, relative to the corner.
    var pixelsAhead: (right: (x: Int, y: Int), left: (x: Int, y: Int)) {
        switch self {
        case .east: ((0, 0), (0, -1))
        case .south: ((-1, 0), (0, 0))
        case .west: ((-1, -1), (-1, 0))
        case .north: ((0, -1), (-1, -1))
        }
    }
}

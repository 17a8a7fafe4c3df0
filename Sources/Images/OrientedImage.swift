extension RGBImage {
    /// The picture as shown when it is stored with this EXIF orientation (1...8): 2 and 4 mirror, 3 turns by 180
    /// degrees, 6 turns clockwise by 90, 8 counter-clockwise, 5 and 7 mirror along a diagonal.
    public func oriented(_ exifOrientation: Int) -> RGBImage {
        guard 2...8 ~= exifOrientation else { return self }
        let swapsAxes = exifOrientation >= 5
        let mirrorsX = [2, 3, 7, 8].contains(exifOrientation)
        let mirrorsY = [3, 4, 6, 7].contains(exifOrientation)
        let shownWidth = swapsAxes ? height : width
        let shownHeight = swapsAxes ? width : height
        // Stored pixel of shown (x, y): origin + x * stepX + y * stepY, in bytes.
        let column = mirrorsX ? -3 : 3
        let row = mirrorsY ? -3 * width : 3 * width
        let origin = (mirrorsX ? 3 * (width - 1) : 0) + (mirrorsY ? 3 * width * (height - 1) : 0)
        let stepX = swapsAxes ? row : column
        let stepY = swapsAxes ? column : row
        let turned = pixels.withUnsafeBufferPointer { stored in
            [UInt8](unsafeUninitializedCapacity: pixels.count) { shown, count in
                var to = 0
                for y in 0..<shownHeight {
                    var from = origin + y * stepY
                    for _ in 0..<shownWidth {
                        shown[to] = stored[from]
                        shown[to + 1] = stored[from + 1]
                        shown[to + 2] = stored[from + 2]
                        to += 3
                        from += stepX
                    }
                }
                count = to
            }
        }
        return RGBImage(width: shownWidth, height: shownHeight, pixels: turned)
    }
}

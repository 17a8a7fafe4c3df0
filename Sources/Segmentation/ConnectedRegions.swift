extension Mask {
    /// `[height, width]`: 0 outside, else a number that all pixels of one 4-connected region share.
    /// Two passes with a union-find over provisional numbers.
    var connectedRegions: [Int32] {
        var labels = [Int32](repeating: 0, count: pixels.count)
        var parents: [Int32] = [0]
        for y in 0..<height {
            for x in 0..<width where pixels[y * width + x] != 0 {
                let index = y * width + x
                let above = y > 0 ? labels[index - width] : 0
                let before = x > 0 ? labels[index - 1] : 0
                switch (above != 0, before != 0) {
                case (false, false):
                    labels[index] = Int32(parents.count)
                    parents.append(Int32(parents.count))
                case (true, false): labels[index] = above
                case (false, true): labels[index] = before
                case (true, true):
                    let (one, other) = (root(of: above, &parents), root(of: before, &parents))
                    parents[Int(max(one, other))] = min(one, other)
                    labels[index] = min(one, other)
                }
            }
        }
        for index in labels.indices where labels[index] != 0 {
            labels[index] = root(of: labels[index], &parents)
        }
        return labels
    }

    private func root(of label: Int32, _ parents: inout [Int32]) -> Int32 {
        var label = label
        while parents[Int(label)] != label {
            parents[Int(label)] = parents[Int(parents[Int(label)])]
            label = parents[Int(label)]
        }
        return label
    }
}

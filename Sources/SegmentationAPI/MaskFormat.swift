/// The forms in which a mask can be answered.
public enum MaskFormat: String, Sendable, CaseIterable {
    /// A one-bit PNG of the picture's size, white inside and black outside, in base64.
    case png
    /// COCO's compressed run lengths.
    case cocoRLE = "coco_rle"
    /// Borders along pixel edges, with holes.
    case polygon
    /// Label Studio's brush format.
    case labelStudioRLE = "label_studio_rle"
    /// The picture with all masks drawn over it, once for the whole answer.
    case overlay
    /// Boxes, areas and scores only.
    case none

    /// "png,coco_rle"; nil when a word is none of ours, or `none` stands beside others.
    static func parse(_ text: String) -> [MaskFormat]? {
        var formats: [MaskFormat] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let format = MaskFormat(rawValue: String(word.drop { $0 == " " })) else { return nil }
            if !formats.contains(format) { formats.append(format) }
        }
        return formats.contains(.none) && formats.count > 1 ? nil : formats
    }

    static let allowed =
        "one or more of "
        + MaskFormat.allCases.filter { $0 != .none }.map(\.rawValue).joined(separator: ", ")
        + " separated by commas, or none alone"
}

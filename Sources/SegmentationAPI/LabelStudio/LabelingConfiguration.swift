/// What a Label Studio labelling configuration (XML) says of where masks go: the control tag, the picture it
/// belongs to, and its labels. A scanner for tags and attributes is enough: nothing else is read.
struct LabelingConfiguration: Sendable {
    enum Control: String, Sendable {
        case brush = "brushlabels"
        case rectangle = "rectanglelabels"
    }

    var control: Control
    /// `name` of the control tag.
    var fromName: String
    /// `toName` of the control tag.
    var toName: String
    /// The task's data field that holds the picture.
    var dataKey: String
    var labels: [String]

    /// Nil when there is no control for masks or boxes, or no picture.
    init?(_ xml: String) {
        let tags = TagScanner.tags(in: xml)
        let controls: [(String, Control)] = [("BrushLabels", .brush), ("RectangleLabels", .rectangle)]
        guard
            let (index, control) = controls.lazy.compactMap({ name, control in
                tags.firstIndex { $0.name == name }.map { ($0, control) }
            }).first,
            let fromName = tags[index].attributes["name"], let toName = tags[index].attributes["toName"],
            let image = tags.first(where: { $0.name == "Image" && $0.attributes["name"] == toName }),
            let value = image.attributes["value"], value.hasPrefix("$")
        else { return nil }
        self.control = control
        self.fromName = fromName
        self.toName = toName
        dataKey = String(value.dropFirst())
        labels = tags[(index + 1)...].prefix { $0.name == "Label" }.compactMap { $0.attributes["value"] }
    }

    /// The label that a phrase means: one whose words stand in it, else the first.
    func label(for phrase: String) -> String {
        let words = phrase.lowercased()
        return labels.first { words.contains($0.lowercased()) } ?? labels.first ?? phrase
    }
}

/// Opening tags of an XML text with their attributes, in order.
private struct TagScanner {
    struct Tag {
        var name: String
        var attributes: [String: String]
    }

    static func tags(in xml: String) -> [Tag] {
        var tags: [Tag] = []
        var rest = xml.utf8[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
            rest = rest[rest.index(after: open)...]
            if rest.starts(with: "!--".utf8) {
                rest = afterComment(rest)
                continue
            }
            let name = rest.prefix { isName($0) }
            guard !name.isEmpty else { continue }
            rest = rest[name.endIndex...]
            var tag = Tag(name: String(decoding: name, as: UTF8.self), attributes: [:])
            while let (key, value) = attribute(&rest) { tag.attributes[key] = value }
            tags.append(tag)
        }
        return tags
    }

    private static func afterComment(_ text: Substring.UTF8View) -> Substring.UTF8View {
        var rest = text
        while let dash = rest.firstIndex(of: UInt8(ascii: "-")) {
            rest = rest[dash...]
            if rest.starts(with: "-->".utf8) { return rest.dropFirst(3) }
            rest = rest.dropFirst()
        }
        return rest.suffix(0)
    }

    private static func isName(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ":")
            || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
    }

    private static func attribute(_ rest: inout Substring.UTF8View) -> (String, String)? {
        rest = rest.drop { $0 <= 0x20 }
        let key = rest.prefix { isName($0) }
        guard !key.isEmpty else { return nil }
        var after = rest[key.endIndex...].drop { $0 <= 0x20 }
        guard after.popFirst() == UInt8(ascii: "=") else { return nil }
        after = after.drop { $0 <= 0x20 }
        guard let quote = after.popFirst(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"),
            let end = after.firstIndex(of: quote)
        else { return nil }
        let value = String(decoding: after[..<end], as: UTF8.self)
        rest = after[after.index(after: end)...]
        return (String(decoding: key, as: UTF8.self), unescaped(value))
    }

    private static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
        var result = ""
        var rest = text[...]
        while let ampersand = rest.firstIndex(of: "&") {
            result += rest[..<ampersand]
            rest = rest[ampersand...]
            let entities = [
                ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&"),
            ]
            let (entity, character) = entities.first { rest.hasPrefix($0.0) } ?? ("&", "&")
            result += character
            rest = rest.dropFirst(entity.count)
        }
        return result + rest
    }
}

/// Content negotiation by media type (RFC 9110 section 12.5.1).
public struct AcceptHeader: Sendable, Equatable {
    struct Range: Sendable, Equatable {
        var type: String
        var subtype: String
        /// Thousandths, 0 to 1000.
        var quality: Int
    }

    private var ranges: [Range]

    /// Members that can't be read are passed over, as a mere preference should never break a request.
    /// No field (nil) or an empty one accepts everything.
    /// - Parameter values: every Accept field of the request, in order.
    public init(_ values: [String]) {
        ranges = values.flatMap { Self.members($0).compactMap(Self.range) }
        if values.allSatisfy({ $0.utf8.allSatisfy { ByteSyntax.isBlank($0) } }) {
            ranges = [Range(type: "*", subtype: "*", quality: 1000)]
        }
    }

    public init(_ headers: HTTPHeaders) {
        self.init(headers.values("Accept"))
    }

    /// How much `mediaType` ("image/png") is wanted, in thousandths; the most exact range decides. 0: refused.
    public func quality(of mediaType: String) -> Int {
        guard let media = MediaType(mediaType) else { return 0 }
        var best = (exactness: -1, quality: 0)
        for range in ranges {
            let exactness: Int
            if range.type == media.type && range.subtype == media.subtype {
                exactness = 2
            } else if range.type == media.type && range.subtype == "*" {
                exactness = 1
            } else if range.type == "*" && range.subtype == "*" {
                exactness = 0
            } else {
                continue
            }
            if exactness > best.exactness { best = (exactness, range.quality) }
        }
        return best.quality
    }

    /// The most wanted of `offers`; the earlier offer wins a tie. Nil: none is acceptable (406).
    public func preferred(among offers: [String]) -> String? {
        var best: (offer: String, quality: Int)?
        for offer in offers {
            let quality = quality(of: offer)
            if quality > best?.quality ?? 0 { best = (offer, quality) }
        }
        return best?.offer
    }

    /// Splits at commas outside quoted strings.
    private static func members(_ value: String) -> [ArraySlice<UInt8>] {
        let bytes = Array(value.utf8)
        var members: [ArraySlice<UInt8>] = []
        var start = 0
        var quoted = false
        var escaped = false
        for (index, byte) in bytes.enumerated() {
            if quoted {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte
                    == UInt8(ascii: "\"")
                {
                    quoted = false
                }
            } else if byte == UInt8(ascii: "\"") {
                quoted = true
            } else if byte == UInt8(ascii: ",") {
                members.append(bytes[start..<index])
                start = index + 1
            }
        }
        members.append(bytes[start...])
        return members
    }

    private static func range(_ member: ArraySlice<UInt8>) -> Range? {
        guard let media = MediaType(bytes: member) else { return nil }
        guard media.type != "*" || media.subtype == "*" else { return nil }
        guard let weight = media[parameter: "q"] else {
            return Range(type: media.type, subtype: media.subtype, quality: 1000)
        }
        guard let quality = thousandths(Array(weight.utf8)) else { return nil }
        return Range(type: media.type, subtype: media.subtype, quality: quality)
    }

    /// `0[.000]` to `1[.000]` with at most three decimals (RFC 9110 section 12.4.2).
    private static func thousandths(_ text: [UInt8]) -> Int? {
        guard let first = text.first, first == 0x30 || first == 0x31, text.count <= 5 else { return nil }
        var value = Int(first - 0x30) * 1000
        guard text.count > 1 else { return value }
        guard text[1] == UInt8(ascii: ".") else { return nil }
        var unit = 100
        for byte in text[2...] {
            guard ByteSyntax.isDigit(byte) else { return nil }
            value += Int(byte - 0x30) * unit
            unit /= 10
        }
        return value <= 1000 ? value : nil
    }
}

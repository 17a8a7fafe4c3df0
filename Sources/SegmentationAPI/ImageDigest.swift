import Observability
import Segmentation

/// SHA-256 of a picture's bytes as uploaded: its `image_id` and the key of everything kept about it.
public struct ImageDigest: Sendable, Hashable {
    /// 64 lower-case hexadecimal digits.
    public let hexadecimal: String

    /// The value of `X-Image-Digest`.
    public var header: String { "sha256:" + hexadecimal }

    public init(of bytes: some Collection<UInt8>) {
        hexadecimal = Hexadecimal.encode(SHA256.digest(of: bytes))
    }

    /// An id as an earlier reply gave it, with or without `sha256:` in front; nil for anything else.
    public init?(_ text: String) {
        let digits = text.hasPrefix("sha256:") ? text.dropFirst(7) : text[...]
        guard digits.utf8.count == 64,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        hexadecimal = String(digits)
    }
}

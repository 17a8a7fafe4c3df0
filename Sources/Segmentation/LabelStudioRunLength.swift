/// Label Studio's brush RLE: the `rle-pack` bit stream of thi.ng/umbrella over the mask drawn as RGBA, where
/// each of the four bytes of a pixel is 0 or 255. Bits are written from the most significant one.
///
/// Stream: u32 number of bytes; 5 bits word size - 1 (7); four 4-bit values, bits per length field - 1
/// (2, 3, 7, 15); then runs. A run is `1`, a 2-bit index of the length field, length - 1, the byte; a
/// lone byte is `0`, length - 1 in the first field, the byte. Runs are cut at 65,536 bytes.
public struct LabelStudioRunLength: Sendable, Equatable {
    /// The packed bytes, as Label Studio's `value.rle` lists them.
    public let bytes: [UInt8]

    private static let fieldBits = [3, 4, 8, 16]
    private static let longestRun = 65_536

    /// `mask` must have fewer than 2^30 pixels: the stream counts its RGBA bytes in 32 bits.
    public init(_ mask: Mask) {
        precondition(mask.pixels.count < 1 << 30, "the stream counts RGBA bytes in 32 bits")
        var writer = BitWriter()
        writer.append(UInt32(mask.pixels.count * 4), bits: 32)
        writer.append(7, bits: 5)
        for bits in Self.fieldBits { writer.append(UInt32(bits - 1), bits: 4) }
        mask.pixels.withUnsafeBufferPointer { pixels in
            var start = 0
            while start < pixels.count {
                let inside = pixels[start] != 0
                var end = start + 1
                while end < pixels.count, (pixels[end] != 0) == inside { end += 1 }
                Self.appendRun(value: inside ? 255 : 0, length: (end - start) * 4, to: &writer)
                start = end
            }
        }
        bytes = writer.finish()
    }

    /// A pixel is four bytes, so a run is never of length 1 and the lone-byte form isn't needed.
    private static func appendRun(value: UInt32, length: Int, to writer: inout BitWriter) {
        var rest = length
        while rest > 0 {
            let length = min(rest, longestRun)
            rest -= length
            var field = 0
            while length > 1 << fieldBits[field] { field += 1 }
            writer.append(1, bits: 1)
            writer.append(UInt32(field), bits: 2)
            writer.append(UInt32(length - 1), bits: fieldBits[field])
            writer.append(value, bits: 8)
        }
    }
}

/// Packs bit fields into bytes, most significant bit first.
private struct BitWriter {
    private var bytes: [UInt8] = []
    private var pending: UInt64 = 0
    private var pendingBits = 0

    mutating func append(_ value: UInt32, bits: Int) {
        pending = pending << UInt64(bits) | UInt64(value)
        pendingBits += bits
        while pendingBits >= 8 {
            pendingBits -= 8
            bytes.append(UInt8(truncatingIfNeeded: pending >> UInt64(pendingBits)))
        }
    }

    /// Pads with `8 - (bits mod 8)` zeros: a whole byte when already aligned, as label-studio-sdk does.
    mutating func finish() -> [UInt8] {
        bytes.append(UInt8(truncatingIfNeeded: pending << UInt64(8 - pendingBits)))
        return bytes
    }
}

import CZlib
import HTTP1

/// Content codings of request bodies: gzip and deflate (RFC 1950 around RFC 1951, RFC 9110 section 8.4.1).
enum ContentDecoding {
    static let codings = ["gzip", "deflate", "identity"]

    /// - Parameter limit: bytes of the unpacked body; a few kilobytes may stand for gigabytes.
    static func decoded(_ request: HTTPRequest, limit: Int) throws(APIError) -> HTTPRequest {
        var request = request
        switch request.head.headers.values("Content-Encoding").joined(separator: ",").lowercased() {
        case "", "identity": return request
        case "gzip", "x-gzip", "deflate": request.body = try unpack(request.body, limit: limit)
        default: throw .unsupportedContentEncoding(allowed: codings)
        }
        return request
    }

    private static func unpack(_ packed: [UInt8], limit: Int) throws(APIError) -> [UInt8] {
        var stream = z_stream()
        // 15 bits of window, and 32 to tell gzip from zlib by their headers.
        let started = inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard started == Z_OK else { throw .internalError }
        defer { inflateEnd(&stream) }
        var unpacked: [UInt8] = []
        var input = packed
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        var status = Z_OK
        input.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(clamping: input.count)
            while status == Z_OK, unpacked.count <= limit {
                let produced = piece.withUnsafeMutableBufferPointer { piece in
                    stream.next_out = piece.baseAddress
                    stream.avail_out = UInt32(piece.count)
                    status = inflate(&stream, Z_NO_FLUSH)
                    return piece.count - Int(stream.avail_out)
                }
                unpacked += piece[..<produced]
                // All input is used and nothing came of it: the body was cut.
                if produced == 0, stream.avail_in == 0, status == Z_OK { status = Z_BUF_ERROR }
            }
        }
        guard unpacked.count <= limit else { throw .unpackedTooLarge(limit: limit) }
        guard status == Z_STREAM_END, stream.avail_in == 0 else {
            throw .malformed("the body can't be unpacked as its Content-Encoding says")
        }
        return unpacked
    }
}

/// Chunked bodies cut at two places have to give what the whole gives. Compiled together with Sources/HTTP1.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    let bytes = Array(input.dropFirst())
    let whole = decode(bytes, cut: bytes.count)
    let pieces = decode(bytes, cut: bytes.isEmpty ? 0 : Int(first) % bytes.count)
    precondition(
        whole.fault == pieces.fault && whole.finished == pieces.finished && whole.used == pieces.used)
    precondition(whole.body.count <= 1000)
    if whole.fault == nil { precondition(whole.body == pieces.body) }
    return 0
}

private func decode(
    _ bytes: [UInt8], cut: Int
) -> (body: [UInt8], fault: HTTPRequestFault?, finished: Bool, used: Int) {
    var limits = HTTPLimits()
    limits.chunkExtensionBytes = 64
    limits.trailerBytes = 128
    limits.trailerCount = 4
    var decoder = ChunkedDecoder(limits: limits)
    var body: [UInt8] = []
    var used = 0
    for piece in [Array(bytes[..<cut]), Array(bytes[cut...])] {
        var position = 0
        defer { used += position }
        do throws(HTTPRequestFault) {
            if try decoder.decode(piece.span, from: &position, into: &body, maximumBytes: 1000) {
                return (body, nil, true, used + position)
            }
        } catch { return (body, error, false, used + position) }
    }
    return (body, nil, false, used)
}

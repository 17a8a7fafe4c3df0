#if !FUZZING
    import HTTP1
#endif

/// Chunked bodies cut at two places have to give what the whole gives; the first byte says where.
enum ChunkedFuzz {
    private struct Outcome: Equatable {
        /// Of a refused body what came before the fault, which may depend on the cut.
        var body: [UInt8]?
        var fault: HTTPRequestFault?
        var finished = false
        var used = 0
    }

    static func check(_ input: [UInt8]) throws(FuzzFinding) {
        guard let first = input.first else { return }
        let bytes = Array(input.dropFirst())
        let whole = try decode(bytes, cut: bytes.count)
        let pieces = try decode(bytes, cut: bytes.isEmpty ? 0 : Int(first) % bytes.count)
        try require(whole == pieces, "a cut changes the outcome")
    }

    private static func decode(_ bytes: [UInt8], cut: Int) throws(FuzzFinding) -> Outcome {
        var limits = HTTPLimits()
        limits.chunkExtensionBytes = 64
        limits.trailerBytes = 128
        limits.trailerCount = 4
        var decoder = ChunkedDecoder(limits: limits)
        var body: [UInt8] = []
        var outcome = Outcome()
        for piece in [Array(bytes[..<cut]), Array(bytes[cut...])] where !outcome.finished {
            var position = 0
            do throws(HTTPRequestFault) {
                outcome.finished = try decoder.decode(
                    piece.span, from: &position, into: &body, maximumBytes: 1000)
            } catch {
                outcome.fault = error
                outcome.finished = true
            }
            outcome.used += position
        }
        try require(body.count <= 1000, "a body beyond its limit")
        outcome.body = outcome.fault == nil ? body : nil
        return outcome
    }
}

#if !FUZZING
    import HTTP1
#endif

/// Heads cut at two places have to give what the whole gives; the first byte says where.
enum RequestFuzz {
    static func check(_ input: [UInt8]) throws(FuzzFinding) {
        guard let first = input.first else { return }
        let bytes = Array(input.dropFirst())
        var limits = HTTPLimits()
        limits.requestLineBytes = 256
        limits.headerBytes = 512
        limits.headerCount = 8
        let whole = outcome(bytes, cut: bytes.count, limits)
        let pieces = outcome(bytes, cut: bytes.isEmpty ? 0 : Int(first) % bytes.count, limits)
        try require(whole.outcome == pieces.outcome && whole.used == pieces.used, "a cut changes the outcome")
        if case .head(let head, let framing) = whole.outcome {
            try require(!head.path.utf8.contains(0) && !head.method.isEmpty, "a head without sense")
            if case .length(let length) = framing.body { try require(length >= 0, "a negative length") }
        }
    }

    private static func outcome(
        _ bytes: [UInt8], cut: Int, _ limits: HTTPLimits
    ) -> (outcome: HTTPRequestParser.Outcome, used: Int) {
        var parser = HTTPRequestParser(limits: limits)
        var used = 0
        for piece in [Array(bytes[..<cut]), Array(bytes[cut...])] {
            var position = 0
            let outcome = parser.parse(piece.span, from: &position)
            used += position
            if outcome != .needMoreBytes { return (outcome, used) }
        }
        return (.needMoreBytes, used)
    }
}

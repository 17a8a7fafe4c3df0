/// Heads cut at two places have to give what the whole gives. Compiled together with Sources/HTTP1.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    let bytes = Array(input.dropFirst())
    var limits = HTTPLimits()
    limits.requestLineBytes = 256
    limits.headerBytes = 512
    limits.headerCount = 8
    let whole = outcome(bytes, cut: bytes.count, limits)
    let pieces = outcome(bytes, cut: bytes.isEmpty ? 0 : Int(first) % bytes.count, limits)
    precondition(whole.outcome == pieces.outcome && whole.used == pieces.used)
    if case .head(let head, let framing) = whole.outcome {
        precondition(!head.path.utf8.contains(0) && !head.method.isEmpty)
        if case .length(let length) = framing.body { precondition(length >= 0) }
    }
    return 0
}

private func outcome(
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

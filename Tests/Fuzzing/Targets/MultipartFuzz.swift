#if !FUZZING
    import HTTP1
#endif

/// Forms read in two pieces have to give what the whole gives; the first byte says where they are cut.
enum MultipartFuzz {
    private struct Form: Equatable {
        var head: MultipartPartHead
        var body: [UInt8]
    }

    static func check(_ input: [UInt8]) throws(FuzzFinding) {
        guard let first = input.first else { return }
        let bytes = Array(input.dropFirst())
        var limits = MultipartLimits()
        limits.parts = 8
        limits.partHeaderBytes = 256
        limits.partHeaderCount = 4
        limits.preambleBytes = 64
        limits.epilogueBytes = 64
        limits.paddingBytes = 8
        let whole = Result { () throws(MultipartError) in
            try MultipartParser.parse(body: bytes, boundary: "B", limits: limits).map {
                Form(head: $0.head, body: Array($0.body))
            }
        }
        let cut = bytes.isEmpty ? 0 : Int(first) % bytes.count
        let pieces = Result { () throws(MultipartError) in
            try decode([bytes[..<cut], bytes[cut...]], limits)
        }
        try require(whole == pieces, "a cut changes the outcome")
    }

    private static func decode(
        _ pieces: [ArraySlice<UInt8>], _ limits: MultipartLimits
    ) throws(MultipartError) -> [Form] {
        var decoder = try MultipartDecoder(boundary: "B", limits: limits)
        var forms: [Form] = []
        for (index, piece) in pieces.enumerated() {
            decoder.append(piece)
            if index == pieces.count - 1 { decoder.finish() }
            while let event = try decoder.next() {
                switch event {
                case .partBegan(let head): forms.append(Form(head: head, body: []))
                case .partBytes(let bytes): forms[forms.count - 1].body += bytes
                case .partEnded: break
                }
            }
        }
        return forms
    }
}

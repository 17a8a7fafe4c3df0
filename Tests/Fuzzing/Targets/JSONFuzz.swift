#if !FUZZING
    import SegmentationAPI
#endif

/// JSON that is accepted is written back to JSON that means the same.
enum JSONFuzz {
    static func check(_ input: [UInt8]) throws(FuzzFinding) {
        var limits = JSONLimits()
        limits.depth = 8
        limits.values = 64
        guard let value = try? JSONParser.parse(input, limits: limits) else { return }
        let again = try? JSONParser.parse(value.encoded(), limits: limits)
        try require(again == value, "written and read again it means something else")
    }
}

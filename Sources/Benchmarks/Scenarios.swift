import Images
import MLLMSeg
import Segmentation
import Tensors

/// What users do, each timed as a whole request without HTTP: resize to mask.
struct Scenarios {
    let model: MLLMSegModel
    let width: Int
    let height: Int
    let runs: Int
    /// Names of the scenarios to run; all of them when empty.
    let only: [String]
    let meter = EnergyMeter()

    private static let phrases = [
        "the red ball", "the man on the left", "a cat", "the largest car", "all the cups",
        "the dog near the tree", "a blue umbrella", "the second plate from the right",
    ]

    struct Timing: Codable {
        var name: String
        var medianMilliseconds: Double
        var p99Milliseconds: Double
        var requests: Int
        /// Requests over all the time that its runs took.
        var requestsPerSecond: Double
        /// Of the whole machine's processors; nil where the system doesn't show it.
        var joulesPerRequest: Double?
        /// Median seconds of each stage in one run.
        var stages: [String: Double]
    }

    func all() throws -> [Timing] {
        var seed = 0
        func fresh() -> RGBImage {
            seed += 1
            return picture(seed)
        }
        let known = picture(0)
        _ = try answer([.init(image: known, expressions: ["warm up"])])
        let scenarios: [(name: String, requests: () -> [SegmentationRequest])] = [
            ("new picture, one phrase", { [.init(image: fresh(), expressions: [Self.phrases[0]])] }),
            ("known picture, next phrase", { [.init(image: known, expressions: [Self.phrases[1]])] }),
            ("new picture, 8 phrases", { [.init(image: fresh(), expressions: Self.phrases)] }),
            (
                "new picture, 8 phrases packed",
                { [.init(image: fresh(), expressions: Self.phrases, mode: .packed)] }
            ),
            (
                "16 new pictures, one phrase each",
                { (0..<16).map { .init(image: fresh(), expressions: [Self.phrases[$0 % 8]]) } }
            ),
        ]
        return try scenarios.filter { only.isEmpty || only.contains($0.name) }
            .map { try measure($0.name, $0.requests) }
    }

    private func answer(_ requests: [SegmentationRequest]) throws -> [SegmentationResult] {
        try model.segment(requests, isCancelled: { _ in false }).map { try $0.get() }
    }

    private func measure(_ name: String, _ requests: () -> [SegmentationRequest]) throws -> Timing {
        if runs > 1 { _ = try answer(requests()) }
        var seconds: [Double] = []
        var stages: [String: [Double]] = [:]
        var count = 0
        var joules: Double?
        for _ in 0..<runs {
            let batch = requests()
            count = batch.count
            var results: [SegmentationResult] = []
            func run() throws {
                let start = ContinuousClock.now
                results = try answer(batch)
                seconds.append((ContinuousClock.now - start).seconds)
            }
            if let meter { joules = try meter.measure(run) + (joules ?? 0) } else { try run() }
            for (stage, path) in Self.stages {
                stages[stage, default: []].append(results.reduce(0) { $0 + $1.timings[keyPath: path] })
            }
        }
        let answered = Double(count * runs)
        let rate = answered / seconds.reduce(0, +)
        seconds.sort()
        return Timing(
            name: name, medianMilliseconds: 1_000 * seconds[seconds.count / 2],
            p99Milliseconds: 1_000 * seconds[min(seconds.count - 1, seconds.count * 99 / 100)],
            requests: count, requestsPerSecond: rate, joulesPerRequest: joules.map { $0 / answered },
            stages: stages.mapValues { $0.sorted()[$0.count / 2] })
    }

    private static let stages: [(String, any KeyPath<StageTimings, Double> & Sendable)] = [
        ("resize", \.resize), ("vision", \.vision), ("language", \.language), ("mask", \.mask),
    ]

    /// Stripes whose phase is the seed: no two of 2^24 pictures are equal.
    private func picture(_ seed: Int) -> RGBImage {
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        for y in 0..<height {
            for x in 0..<width {
                let place = (y * width + x) * 3
                pixels[place] = UInt8(truncatingIfNeeded: x &* 3 &+ seed)
                pixels[place + 1] = UInt8(truncatingIfNeeded: y &* 5 &+ seed >> 8)
                pixels[place + 2] = UInt8(truncatingIfNeeded: (x &+ y) &* 2 &+ seed >> 16)
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    /// GFLOP/s of a 2048^3 float32 product by OpenBLAS on the same threads: what the machine is usually held to.
    static func productRate(threads: Int) throws -> Double {
        try BLAS.open()
        let team = ThreadTeam(threads: threads)
        let size = 2_048
        let values = (0..<size * size).map { Float($0 % 97) / 97 - 0.5 }
        let a = Matrix(rows: size, columns: size, values)
        let b = Matrix(rows: size, columns: size, values)
        let out = Matrix(rows: size, columns: size)
        var best = Double.infinity
        for _ in 0..<5 {
            let start = ContinuousClock.now
            team.forEachRange(size, minimum: 64) { rows in
                BLAS.multiply(a.rows(rows), b, transposed: true, into: out.rows(rows))
            }
            best = min(best, (ContinuousClock.now - start).seconds)
        }
        return 2 * Double(size * size * size) / best / 1e9
    }
}

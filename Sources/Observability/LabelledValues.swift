import Synchronization

/// Owner of the numbers of one counter or gauge.
final class LabelledValues: Sendable {
    private let values: Mutex<[[String]: Double]>

    init(labelled: Bool) {
        values = Mutex(labelled ? [:] : [[]: 0])
    }

    func update(_ labels: [String], _ change: (inout Double) -> Void) {
        values.withLock { change(&$0[labels, default: 0]) }
    }

    func value(_ labels: [String]) -> Double {
        values.withLock { $0[labels] ?? 0 }
    }

    func render(_ description: MetricDescription, into text: inout String) {
        let sorted = values.withLock { $0.sorted { $0.key.lexicographicallyPrecedes($1.key) } }
        for (labels, value) in sorted {
            text += "\(description.name)\(description.braces(labels)) \(MetricDescription.format(value))\n"
        }
    }
}

import NeuralNetwork
import Tensors

/// Keys (rotated) and values of a run of tokens in every layer, in one piece of memory of their own.
struct KeyValueCache: Sendable {
    /// One for each layer, `[tokens, key-value heads * head size]`.
    let layers: [Attention.KeyValues]
    /// Tokens.
    let count: Int

    /// Not filled yet.
    init(layers: Int, count: Int, width: Int) {
        let memory = Matrix(rows: 2 * layers * count, columns: width)
        self.layers = (0..<layers).map { layer in
            let first = 2 * layer * count
            return Attention.KeyValues(
                keys: memory.rows(first..<first + count),
                values: memory.rows(first + count..<first + 2 * count))
        }
        self.count = count
    }

    var bytes: Int {
        layers.reduce(0) { $0 + ($1.keys.columns + $1.values.columns) * $1.keys.rows * 4 }
    }

    /// This cache with another's tokens behind its own.
    func appending(_ more: KeyValueCache) -> KeyValueCache {
        let joined = KeyValueCache(
            layers: layers.count, count: count + more.count, width: layers.first?.keys.columns ?? 0)
        for (whole, parts) in zip(joined.layers, zip(layers, more.layers)) {
            for path in [\Attention.KeyValues.keys, \.values] {
                whole[keyPath: path].rows(0..<count).copy(from: parts.0[keyPath: path])
                whole[keyPath: path].rows(count..<joined.count).copy(from: parts.1[keyPath: path])
            }
        }
        return joined
    }
}

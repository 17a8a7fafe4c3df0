import NeuralNetwork
import Tensors

/// Keys (rotated) and values of a run of tokens in every layer, in memory of their own.
struct KeyValueCache: Sendable {
    /// One for each layer, `[tokens, key-value heads * head size]`.
    var layers: [Attention.KeyValues]
    /// Tokens.
    var count: Int

    var bytes: Int {
        layers.reduce(0) { $0 + ($1.keys.columns + $1.values.columns) * $1.keys.rows * 4 }
    }

    /// This cache with another's tokens behind its own.
    func appending(_ more: KeyValueCache) -> KeyValueCache {
        func joined(_ first: Matrix, _ second: Matrix) -> Matrix {
            let out = Matrix(rows: first.rows + second.rows, columns: first.columns)
            out.rows(0..<first.rows).copy(from: first)
            out.rows(first.rows..<out.rows).copy(from: second)
            return out
        }
        let layers = zip(layers, more.layers).map { own, added in
            Attention.KeyValues(
                keys: joined(own.keys, added.keys), values: joined(own.values, added.values))
        }
        return KeyValueCache(layers: layers, count: count + more.count)
    }
}

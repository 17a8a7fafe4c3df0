import NeuralNetwork

/// Keys (rotated) and values of a run of tokens in every layer, in memory of their own.
struct KeyValueCache: Sendable {
    /// One for each layer, `[tokens, key-value heads * head size]`.
    var layers: [Attention.KeyValues]
    /// Tokens.
    var count: Int

    var bytes: Int {
        layers.reduce(0) { $0 + ($1.keys.columns + $1.values.columns) * $1.keys.rows * 4 }
    }
}

/// A request that this model can't answer.
public enum ModelError: Error, Sendable, Equatable, CustomStringConvertible {
    case promptTooLong(tokens: Int, limit: Int)

    public var description: String {
        switch self {
        case .promptTooLong(let tokens, let limit):
            "the picture and the expressions need \(tokens) tokens; the model reads at most \(limit)"
        }
    }
}

import HTTP1
import Synchronization

/// Who may ask, and how often. Without keys everyone may.
public final class AccessControl: Sendable {
    private let keys: Mutex<APIKeys?>
    private let limiter: RateLimiter?

    public init(keys: APIKeys? = nil, limiter: RateLimiter? = nil) {
        self.keys = Mutex(keys)
        self.limiter = limiter
    }

    /// From now on these keys count. Requests that were admitted before are still answered.
    public func replace(_ keys: APIKeys) {
        self.keys.withLock { $0 = keys }
    }

    /// The name of the request's key; nil when no keys are set.
    func identify(_ headers: HTTPHeaders) throws(APIError) -> String? {
        guard let keys = keys.withLock({ $0 }) else { return nil }
        switch PresentedKey(headers) {
        case .none: throw .unauthorized(isWrong: false)
        case .unreadable: throw .unauthorized(isWrong: true)
        case .key(let key):
            guard let name = keys.name(ofKey: Array(key.utf8)) else { throw .unauthorized(isWrong: true) }
            return name
        }
    }

    /// Counts one request of the client's allowance.
    func spend(_ client: String?) throws(APIError) {
        guard let limiter, let client, let wait = limiter.take(client) else { return }
        throw .rateLimited(retryAfter: wait)
    }
}

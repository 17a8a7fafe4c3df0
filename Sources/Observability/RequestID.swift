/// The name of one request in replies and logs.
public enum RequestID {
    /// Longest id taken over from a client.
    public static let maximumLength = 128

    /// The client's own `X-Request-ID` when it is 1 to 128 printable ASCII characters without spaces, else a
    /// new one. Anything else could break log lines and response headers.
    public static func accept(_ offered: String?) -> String {
        guard let offered, (1...maximumLength).contains(offered.utf8.count),
            offered.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return Hexadecimal.random(bytes: 16) }
        return offered
    }
}

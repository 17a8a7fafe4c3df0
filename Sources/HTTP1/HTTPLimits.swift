/// Every bound on what a client may send, with its default. Each is tested at N and at N + 1.
public struct HTTPLimits: Sendable, Equatable {
    /// Bytes of the request line without its line end; 414 beyond (RFC 9112 section 3).
    public var requestLineBytes = 8 * 1024
    /// Bytes of all field lines with their line ends; 431 beyond (RFC 6585 section 5).
    public var headerBytes = 32 * 1024
    /// Field lines in one head; 431 beyond.
    public var headerCount = 100
    /// Empty lines tolerated before a request line (RFC 9112 section 2.2 asks for at least one).
    public var leadingEmptyLines = 1
    /// Bytes of a body after transfer decoding, whatever the handler admits; 413 beyond.
    public var bodyBytes = 32 * 1024 * 1024
    /// Bytes of all chunk extensions of one body together; 400 beyond.
    public var chunkExtensionBytes = 1024
    /// Bytes of all trailer lines with their line ends; 431 beyond.
    public var trailerBytes = 8 * 1024
    /// Trailer lines of one chunked body; 431 beyond.
    public var trailerCount = 32
    /// Bytes kept of pipelined requests while one is being answered; reading pauses beyond.
    public var pipelinedBytes = 16 * 1024
    public var multipart = MultipartLimits()

    public init() {}
}

/// Bounds on one multipart/form-data body.
public struct MultipartLimits: Sendable, Equatable {
    /// Parts in one body.
    public var parts = 128
    /// Bytes of one part's field lines with their line ends.
    public var partHeaderBytes = 8 * 1024
    /// Field lines of one part.
    public var partHeaderCount = 16
    /// Bytes before the first delimiter line.
    public var preambleBytes = 1024
    /// Bytes after the closing delimiter.
    public var epilogueBytes = 1024
    /// Blanks between a delimiter and its line end (RFC 2046 "transport padding").
    public var paddingBytes = 64

    public init() {}
}

/// How long a connection may take, in nanoseconds of a monotonic clock.
public struct HTTPTimeouts: Sendable, Equatable {
    /// From a request's first byte (or the connection's start) to the end of its head; 408 after.
    public var headNanoseconds: UInt64 = 10_000_000_000
    /// A body may stall this long, and never longer.
    public var bodyGraceNanoseconds: UInt64 = 10_000_000_000
    /// Drops that come more slowly than this many bytes a second use the grace up; 408 then.
    public var bodyFloorBytesPerSecond: UInt64 = 8 * 1024
    /// A kept connection without a request is closed after this.
    public var idleNanoseconds: UInt64 = 75_000_000_000
    /// A client may leave its answer unread this long, and never longer.
    public var writeGraceNanoseconds: UInt64 = 20_000_000_000
    /// A client that takes fewer bytes a second than this uses the grace up and is dropped.
    public var writeFloorBytesPerSecond: UInt64 = 8 * 1024
    /// How long a closing connection still reads, so that a reset does not destroy the last answer.
    public var lingerNanoseconds: UInt64 = 2_000_000_000
    /// How long an idle connection is still served after the server has begun to shut down: a request may
    /// be on its way, and closing would cut it.
    public var drainIdleNanoseconds: UInt64 = 100_000_000
    /// As `lingerNanoseconds`, while the server shuts down.
    public var drainLingerNanoseconds: UInt64 = 500_000_000

    public init() {}
}

import ArgumentParser

/// The bounds on what a client may send and how long it may take, as typed.
struct ProtocolLimitOptions: ParsableArguments {
    @Option(
        help:
            "Seconds a client may take to send a request's head, a TLS handshake included; 408 after. (default: 10)"
    )
    var headerTimeout: String?

    @Option(help: "Seconds a body may stall; 408 after. (default: 10)")
    var bodyTimeout: String?

    @Option(help: "Bytes a second; a body that comes more slowly uses --body-timeout up. (default: 8192)")
    var bodyRate: String?

    @Option(help: "Seconds a connection is kept without a request. (default: 75)")
    var idleTimeout: String?

    @Option(help: "Seconds a client may leave its answer unread. (default: 20)")
    var writeTimeout: String?

    @Option(help: "Bytes a second; a client that takes fewer uses --write-timeout up. (default: 8192)")
    var writeRate: String?

    @Option(help: "Seconds a closing connection still reads, so that its last answer arrives. (default: 2)")
    var lingerTimeout: String?

    @Option(help: "Empty lines before a request; more get 400. (default: 1)")
    var maxLeadingLines: String?

    @Option(help: "Bytes of the request line; more get 414. (default: 8192)")
    var maxRequestLine: String?

    @Option(help: "Bytes of all header fields; more get 431. (default: 32768)")
    var maxHeaderBytes: String?

    @Option(help: "Header fields; more get 431. (default: 100)")
    var maxHeaders: String?

    @Option(help: "Bytes of a chunked body's trailers; more get 431. (default: 8192)")
    var maxTrailerBytes: String?

    @Option(help: "Trailer fields; more get 431. (default: 32)")
    var maxTrailers: String?

    @Option(help: "Bytes of all chunk extensions of a body; more get 400. (default: 1024)")
    var maxChunkExtensionBytes: String?

    @Option(help: "Bytes read ahead of pipelined requests. (default: 16384)")
    var maxPipelinedBytes: String?

    @Option(help: "Parts of a form; more get 413. (default: 128)")
    var maxParts: String?

    @Option(help: "Bytes of one part's header fields. (default: 8192)")
    var maxPartHeaderBytes: String?

    @Option(help: "Header fields of one part. (default: 16)")
    var maxPartHeaders: String?

    @Option(help: "Bytes before a form's first boundary. (default: 1024)")
    var maxPreambleBytes: String?

    @Option(help: "Bytes after a form's last boundary. (default: 1024)")
    var maxEpilogueBytes: String?

    @Option(help: "Blanks between a form's boundary and its line end. (default: 64)")
    var maxPaddingBytes: String?

    @Option(help: "Characters of one phrase; more get 422. (default: 512)")
    var maxExpressionLength: String?

    @Option(help: "Pixels of a picture's width and of its height; more get 413. (default: 16384)")
    var maxSide: String?

    @Option(help: "Scans of a JPEG; more get 413. (default: 100)")
    var maxScans: String?
}

import ArgumentParser

/// The flags of `mllmseg serve`, as typed: `ServeSettings` joins them with the environment and checks them.
struct ServeOptions: ParsableArguments {
    @Option(help: "Address to listen on; 0.0.0.0 or :: for all. (default: 127.0.0.1)")
    var host: String?

    @Option(help: "Port; 0 for any free one. $PORT is honoured too. (default: 8080)")
    var port: String?

    @Option(
        help: "Listen on this unix-domain socket instead of an address and port. (default: none)")
    var unixSocket: String?

    @Option(
        help:
            "Serve /metrics, /health and the probes on this port of the same host; /metrics is then there only. (default: none)"
    )
    var operatorsPort: String?

    @Option(help: "Folder of a checkpoint in Hugging Face layout. (default: the embedded model)")
    var model: String?

    @Option(help: "Folder with the page to serve at /. (default: Public beside the program or the package)")
    var `public`: String?

    @Option(help: "Requests that may wait; more get 429. (default: 64)")
    var queue: String?

    @Option(help: "Requests computed together at most. (default: 8)")
    var batch: String?

    @Option(help: "Threads for the model. (default: as many as this process may use)")
    var threads: String?

    @Option(help: "How weights are kept in memory: automatic, float32 or bfloat16. (default: automatic)")
    var weights: String?

    @Option(
        help: "MiB for what the model computed of pictures, so that the next phrase is fast. (default: 256)")
    var imageCache: String?

    @Option(help: "MiB for decoded pictures that clients may name by image_id. (default: 256)")
    var pictureStore: String?

    @Option(help: "Pictures decoded or masks encoded at once. (default: 2)")
    var decodeThreads: String?

    @Option(help: "MiB of one upload; more get 413. (default: 32)")
    var maxUpload: String?

    @Option(help: "Pixels of one picture; more get 413. (default: 40000000)")
    var maxPixels: String?

    @Option(help: "Phrases in one request. (default: 32)")
    var maxExpressions: String?

    @Option(help: "Connections held at once. (default: 8192)")
    var maxConnections: String?

    @Option(
        name: [.customLong("tls-cert"), .customLong("tls-certificate")],
        help: "PEM file with the certificate chain; with --tls-key the server speaks HTTPS. (default: none)")
    var tlsCertificate: String?

    @Option(help: "PEM file with the certificate's key, without a passphrase. (default: none)")
    var tlsKey: String?

    @Option(help: "Oldest TLS version: 1.2 or 1.3. (default: 1.2)")
    var tlsMinimum: String?

    @Option(
        help:
            "File with a line \"NAME KEY\" for each API key; then a request needs one. SIGHUP reads it again. (default: none)"
    )
    var apiKeys: String?

    @Option(help: "Requests a minute that one API key may make; 0 for any number. (default: 0)")
    var rateLimit: String?

    @Option(help: "Requests that one API key may make at once within its rate. (default: 10)")
    var rateBurst: String?

    @Option(
        help:
            "Origins whose pages may call the server from a browser, separated by commas, or *. (default: none)"
    )
    var corsOrigin: String?

    @Option(help: "Status of a request that finds the queue full: 429 or 503. (default: 429)")
    var overloadStatus: String?

    @Option(help: "Seconds one request may take. (default: 60)")
    var requestTimeout: String?

    @Option(help: "Seconds that accepted requests get to finish after SIGTERM. (default: 30)")
    var shutdownTimeout: String?

    @Option(
        help:
            "Seconds after SIGTERM in which new requests are still taken while /readyz already says 503. (default: 0)"
    )
    var shutdownDelay: String?

    @Option(help: "Folder of the files that Label Studio may name in its tasks. (default: none)")
    var labelStudioFiles: String?

    @Option(help: "text or json. (default: text)")
    var logFormat: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical. (default: info)")
    var logLevel: String?

    @OptionGroup(title: "Limits of the protocol")
    var protocolLimits: ProtocolLimitOptions
}

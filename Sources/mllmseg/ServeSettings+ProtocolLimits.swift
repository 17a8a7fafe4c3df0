import HTTPServer
import SegmentationAPI

extension ServeSettings {
    /// The defaults are those of the structures themselves.
    static func read(
        _ options: ProtocolLimitOptions, _ reader: inout SettingsReader,
        into server: inout HTTPServerConfiguration, _ service: inout ServiceConfiguration
    ) throws(CommandFailure) {
        try readTimes(options, &reader, into: &server)
        let bytes = 1...1 << 30
        let counts = 1...1_000_000
        let limits: [(String?, String, WritableKeyPath<HTTPServerConfiguration, Int>, ClosedRange<Int>)] = [
            (options.maxLeadingLines, "max-leading-lines", \.limits.leadingEmptyLines, counts),
            (options.maxRequestLine, "max-request-line", \.limits.requestLineBytes, 64...1 << 20),
            (options.maxHeaderBytes, "max-header-bytes", \.limits.headerBytes, 256...1 << 24),
            (options.maxHeaders, "max-headers", \.limits.headerCount, counts),
            (options.maxTrailerBytes, "max-trailer-bytes", \.limits.trailerBytes, bytes),
            (options.maxTrailers, "max-trailers", \.limits.trailerCount, counts),
            (
                options.maxChunkExtensionBytes, "max-chunk-extension-bytes", \.limits.chunkExtensionBytes,
                bytes
            ), (options.maxPipelinedBytes, "max-pipelined-bytes", \.limits.pipelinedBytes, bytes),
            (options.maxParts, "max-parts", \.limits.multipart.parts, counts),
            (
                options.maxPartHeaderBytes, "max-part-header-bytes", \.limits.multipart.partHeaderBytes,
                bytes
            ), (options.maxPartHeaders, "max-part-headers", \.limits.multipart.partHeaderCount, counts),
            (options.maxPreambleBytes, "max-preamble-bytes", \.limits.multipart.preambleBytes, bytes),
            (options.maxEpilogueBytes, "max-epilogue-bytes", \.limits.multipart.epilogueBytes, bytes),
            (options.maxPaddingBytes, "max-padding-bytes", \.limits.multipart.paddingBytes, bytes),
        ]
        for (flag, name, path, range) in limits {
            server[keyPath: path] = try reader.integer(
                flag, Setting(name), default: server[keyPath: path], in: range)
        }
        service.multipart = server.limits.multipart
        service.expressionCharacters = try reader.integer(
            options.maxExpressionLength, Setting("max-expression-length"),
            default: service.expressionCharacters, in: 1...100_000)
        service.image.maximumDimension = try reader.integer(
            options.maxSide, Setting("max-side"), default: service.image.maximumDimension, in: 1...65_535)
        service.image.maximumScans = try reader.integer(
            options.maxScans, Setting("max-scans"), default: service.image.maximumScans, in: counts)
    }

    private static func readTimes(
        _ options: ProtocolLimitOptions, _ reader: inout SettingsReader,
        into server: inout HTTPServerConfiguration
    ) throws(CommandFailure) {
        let times: [(String?, String, WritableKeyPath<HTTPServerConfiguration, UInt64>)] = [
            (options.headerTimeout, "header-timeout", \.timeouts.headNanoseconds),
            (options.bodyTimeout, "body-timeout", \.timeouts.bodyGraceNanoseconds),
            (options.idleTimeout, "idle-timeout", \.timeouts.idleNanoseconds),
            (options.writeTimeout, "write-timeout", \.timeouts.writeGraceNanoseconds),
            (options.lingerTimeout, "linger-timeout", \.timeouts.lingerNanoseconds),
        ]
        for (flag, name, path) in times {
            let seconds = try reader.seconds(
                flag, Setting(name), default: Double(server[keyPath: path]) / 1e9, in: 0.1...86400)
            server[keyPath: path] = UInt64(seconds / .nanoseconds(1))
        }
        let rates: [(String?, String, WritableKeyPath<HTTPServerConfiguration, UInt64>)] = [
            (options.bodyRate, "body-rate", \.timeouts.bodyFloorBytesPerSecond),
            (options.writeRate, "write-rate", \.timeouts.writeFloorBytesPerSecond),
        ]
        for (flag, name, path) in rates {
            server[keyPath: path] = UInt64(
                try reader.integer(
                    flag, Setting(name), default: Int(server[keyPath: path]), in: 1...1_000_000_000))
        }
    }
}

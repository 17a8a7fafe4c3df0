import Dispatch
import Glibc
import HTTPServer
import Logging

/// Runs a test server as its arguments say and ends the process: `[--port N] [--unix PATH] [--tls-cert PEM
/// --tls-key PEM] [--head-seconds N]`. It prints its address on one line, drains on SIGTERM and SIGINT, and
/// reads the certificate again on SIGHUP.
public func serveUntilTerminated(
    _ handler: any HTTPHandler, arguments: [String] = Array(CommandLine.arguments.dropFirst())
) -> Never {
    let server: HTTPServer
    do {
        let configuration = try configuration(arguments: arguments)
        server = HTTPServer(
            configuration: configuration, handler: handler, logger: Logger(label: "test-server"))
        try server.start()
    } catch {
        write("\(error)\n", to: STDERR_FILENO)
        exit(1)
    }
    write(server.boundAddresses.joined(separator: " ") + "\n", to: STDOUT_FILENO)
    var sources: [any DispatchSourceSignal] = []
    for number in [SIGTERM, SIGINT] {
        sources.append(
            onSignal(number) {
                Task {
                    await server.shutDown(timeout: .seconds(10))
                    exit(0)
                }
            })
    }
    sources.append(onSignal(SIGHUP) { _ = try? server.reloadCertificate() })
    withExtendedLifetime(sources) { dispatchMain() }
}

private struct UnknownArgument: Error, CustomStringConvertible {
    let argument: String
    var description: String { "unknown argument or missing value: \(argument)" }
}

private func configuration(arguments: [String]) throws -> HTTPServerConfiguration {
    var configuration = HTTPServerConfiguration(addresses: [.tcp(host: "127.0.0.1", port: 8080)])
    var certificate: String?
    var key: String?
    var rest = arguments[...]
    while let name = rest.popFirst() {
        guard let value = rest.popFirst() else { throw UnknownArgument(argument: name) }
        switch name {
        case "--port": configuration.addresses = [.tcp(host: "127.0.0.1", port: Int(value) ?? -1)]
        case "--unix": configuration.addresses = [.unix(path: value)]
        case "--tls-cert": certificate = value
        case "--tls-key": key = value
        case "--head-seconds":
            configuration.timeouts.headNanoseconds = UInt64((Double(value) ?? 10) * 1_000_000_000)
        default: throw UnknownArgument(argument: name)
        }
    }
    if let certificate, let key {
        configuration.tls = TLSConfiguration(certificatePath: certificate, keyPath: key)
    }
    return configuration
}

private func onSignal(_ number: Int32, _ body: @escaping @Sendable () -> Void) -> any DispatchSourceSignal {
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler(handler: body)
    source.resume()
    return source
}

private func write(_ line: String, to descriptor: Int32) {
    _ = Array(line.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
}

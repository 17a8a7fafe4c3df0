import ArgumentParser
import Glibc
import Observability

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answer pictures and phrases over HTTP, with a page to try it.",
        discussion: """
            Ask it with curl:
              curl -F image=@street.jpg -F expression="the left dog" http://127.0.0.1:8080/segment

            Every option has an environment variable: MLLMSEG_ and the option's name in capitals, with _ for -
            (MLLMSEG_SHUTDOWN_TIMEOUT for --shutdown-timeout). An option wins over its variable. The effective
            configuration is printed at start.

            SIGTERM or Ctrl-C: /readyz says 503 at once, accepted requests are answered, exit status 0. A second
            signal ends the server at once. SIGHUP: the TLS certificate and the API keys are read
            again.
            """)

    @OptionGroup var options: ServeOptions

    func run() async throws {
        try await CommandFailure.reported {
            try await Server(try ServeSettings(options)).run()
            // Not `exit`: a model that is still loading on its thread must not see globals being torn down.
            fflush(nil)
            StandardErrorLogHandler.flush()
            _exit(EXIT_SUCCESS)
        }
    }
}

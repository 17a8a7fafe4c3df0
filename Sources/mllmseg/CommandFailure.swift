import ArgumentParser
import Glibc
import Observability

/// One clear line for the person at the terminal, and the end of the program.
struct CommandFailure: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }

    /// Runs `body`; a failure is written to standard error as one line and becomes exit status 1.
    static func reported(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let failure as CommandFailure {
            StandardError.write("mllmseg: \(failure.message)")
            throw ExitCode.failure
        }
    }

    /// The system's words for the last error.
    static func system(_ what: String) -> CommandFailure {
        CommandFailure("\(what): \(String(cString: strerror(errno)))")
    }
}

enum StandardError {
    /// Adds the line end.
    static func write(_ line: String) {
        // What was logged before comes first.
        StandardErrorLogHandler.flush()
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

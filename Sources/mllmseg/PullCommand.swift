import ArgumentParser
import CheckpointHub
import Foundation

struct PullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Download a checkpoint from a Hugging Face style hub.",
        discussion: """
            Brings config.json, safetensors and tokenizer files into a folder that serve, segment and inspect read
            with --model. Each file is checked against the hub's digest; run the same command again to go on
            after a broken connection. For private repositories set HF_TOKEN.

              mllmseg pull owner/name --to checkpoints/name
              mllmseg serve --model checkpoints/name
            """)

    @Argument(help: "Repository: owner/name.")
    var repository: String

    @Option(help: "Folder to write, made when it is missing (default: the repository's name).")
    var to: String?

    @Option(help: "Branch, tag or commit.")
    var revision = "main"

    @Option(help: "The hub's address; MLLMSEG_HUB sets it too.")
    var hub: String?

    @Flag(help: "No progress on standard error.")
    var quiet = false

    func run() async throws {
        try await CommandFailure.reported {
            // A hub that closes while we write must not end the program.
            signal(SIGPIPE, SIG_IGN)
            let environment = ProcessInfo.processInfo.environment
            let folder = to ?? repository.split(separator: "/").last.map(String.init) ?? repository
            let bar = ProgressBar(isShown: !quiet && isatty(STDERR_FILENO) == 1)
            do throws(HubError) {
                let client = try HubClient(
                    base: hub ?? environment["MLLMSEG_HUB"] ?? HubClient.defaultBase,
                    token: environment["HF_TOKEN"])
                let pull = CheckpointPull(
                    client: client, repository: repository, revision: revision, folder: folder,
                    report: bar.show)
                let files = try pull.run()
                bar.finish()
                print("\(folder): \(files.count) files; serve them with: mllmseg serve --model \(folder)")
            } catch {
                bar.finish()
                throw CommandFailure("\(error)")
            }
        }
    }
}

/// One line on standard error that is written over as bytes arrive.
private final class ProgressBar {
    private let isShown: Bool
    private var file = ""
    private var shownPercent = -1

    init(isShown: Bool) {
        self.isShown = isShown
    }

    func show(_ progress: CheckpointPull.Progress) {
        guard isShown else { return }
        let megabytes = progress.received / 1_000_000
        let percent = progress.expected.map { $0 == 0 ? 100 : progress.received * 100 / $0 } ?? megabytes
        guard percent != shownPercent || progress.file != file else { return }
        if progress.file != file, !file.isEmpty { finish() }
        file = progress.file
        shownPercent = percent
        let amount = progress.expected == nil ? "\(megabytes) MB" : "\(percent)% (\(megabytes) MB)"
        let filled = progress.expected == nil ? 0 : min(percent, 100) / 4
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 25 - filled)
        write("\r[\(bar)] \(amount) \(file)\u{1B}[K")
    }

    func finish() {
        guard isShown, !file.isEmpty else { return }
        file = ""
        write("\n")
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}

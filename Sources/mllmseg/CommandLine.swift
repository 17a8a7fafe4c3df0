import ArgumentParser

@main
struct CommandLineTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mllmseg",
        abstract: "Find what a phrase means in a picture.",
        discussion: """
            Try it:
              mllmseg segment photo.jpg "the dog on the left" -o mask.png --overlay overlay.png
              mllmseg serve
            and open http://127.0.0.1:8080/ in a browser.
            """,
        version: Product.version,
        subcommands: [ServeCommand.self, SegmentCommand.self, InspectCommand.self, PullCommand.self])
}

/// What this program calls itself.
enum Product {
    static let version = "0.1.0"
}

import ArgumentParser

@main
struct CommandLineTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mllmseg", abstract: "Find what a phrase means in a picture.")
}

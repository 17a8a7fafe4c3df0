import Images
import Testing

@Suite(.timeLimit(.minutes(2))) struct SegmentCommandTests {
    @Test func writesMaskOverlayAndLines() throws {
        let folder = try TemporaryFolder()
        let picture = try folder.write(try TemporaryFolder.picture(), "a.png")
        let outcome = try Program.run([
            "segment", picture, "the dog", "-o", folder.file("mask.png"), "--overlay",
            folder.file("over.png"),
            "--model", Program.model,
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("the dog: "))
        let mask = try ImageDecoder.decode(try folder.read("mask.png")).image
        #expect(mask.width == 24 && mask.height == 16)
        #expect(mask.pixels.allSatisfy { $0 == 0 || $0 == 255 })
        #expect(try ImageDecoder.decode(try folder.read("over.png")).image.width == 24)
    }

    @Test func severalPhrasesWriteNumberedMasks() throws {
        let folder = try TemporaryFolder()
        let picture = try folder.write(try TemporaryFolder.picture(), "a.png")
        let outcome = try Program.run([
            "segment", picture, "one", "two", "-o", folder.file("mask.png"), "--model", Program.model,
            "--json",
        ])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("\"results\":[{\"expression\":\"one\""))
        #expect(outcome.output.contains("\"model\":\"qwen2_merged\""))
        #expect(try folder.read("mask-1.png").isEmpty == false)
        #expect(try folder.read("mask-2.png").isEmpty == false)
    }

    @Test func inspectsACheckpoint() throws {
        let outcome = try Program.run(["inspect", Program.model])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("can be served"))
        #expect(
            try Program.run(["inspect", Program.model, "--json"]).output.contains("\"parameters\" : 441790"))
    }

    @Test func helpIsForStrangers() throws {
        for arguments in [["--help"], ["serve", "--help"], ["segment", "--help"], ["inspect", "--help"]] {
            let outcome = try Program.run(arguments)
            #expect(outcome.status == 0)
            #expect(outcome.output.contains("OVERVIEW"))
        }
        #expect(try Program.run(["serve", "--help"]).output.contains("MLLMSEG_"))
        #expect(try Program.run(["--version"]).output.contains("."))
    }

    /// One line that names what was wrong, and a status that isn't 0.
    @Test func wrongArgumentsGetOneLine() throws {
        let folder = try TemporaryFolder()
        let picture = try folder.write(try TemporaryFolder.picture(), "a.png")
        let text = try folder.write(Array("hello".utf8), "a.txt")
        let cut = try folder.write(Array(try TemporaryFolder.picture().dropLast(30)), "cut.png")
        let table: [([String], String)] = [
            (["segment", "/nowhere.jpg", "x"], "/nowhere.jpg: No such file"),
            (["segment", folder.path, "x"], "it is a folder"), (["segment", text, "x"], "not a picture"),
            (["segment", cut, "x"], "truncated"),
            (["segment", picture, "x", "--model", "/nowhere"], "/nowhere is not a folder"),
            (["segment", picture, "x", "--model", folder.path], "can't load the model"),
            (
                ["segment", picture, "x", "--model", Program.model, "-o", "/nowhere/m.png"],
                "can't write /nowhere/m.png"
            ),
            (["inspect", "/nowhere"], "/nowhere"), (["inspect", folder.path], "config.json"),
            (["serve", "--port", "65536"], "--port is \"65536\""),
            (["serve", "--tls-key", "x"], "belong together"),
            (["serve", "--tls-minimum", "1.1"], "one of 1.2, 1.3"),
            (
                ["serve", "--port", "0", "--tls-key", "/nowhere", "--tls-cert", "/nowhere"],
                "/nowhere"
            ),
            (["serve", "--rate-limit", "5"], "needs --api-keys"),
            (["serve", "--api-keys", "/nowhere"], "can't read /nowhere"),
            (["serve", "--api-keys", text], "line 1: a line is a name"),
            (["serve", "--cors-origin", "example.org"], "--cors-origin is \"example.org\""),
            (["serve", "--overload-status", "500"], "one of 429, 503"),
            (["serve", "--max-headers", "0"], "--max-headers is \"0\""),
            (["serve", "--operators-port", "x"], "--operators-port is \"x\""),
            (["serve", "--log-format", "xml"], "one of text, json"),
            (["serve", "--request-timeout", "nan"], "--request-timeout is \"nan\""),
            (["serve", "--model", "/nowhere"], "/nowhere is not a folder"),
            (["serve", "--public", "/nowhere"], "/nowhere is not a folder"),
            (["serve", "--port", "0", "--model", folder.path], "can't load the model"),
        ]
        for (arguments, words) in table {
            let outcome = try Program.run(arguments)
            #expect(outcome.status == 1, "\(arguments)")
            let complaints = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("mllmseg: ") }
            #expect(complaints.count == 1, "\(arguments): \(outcome.errors)")
            #expect(complaints.first?.contains(words) == true, "\(outcome.errors)")
        }
        for arguments in [
            ["segment", picture], ["segment", picture, " "], ["nonsense"],
            ["segment", picture, "x", "--threshold", "1"],
        ] {
            #expect(try Program.run(arguments).status != 0)
        }
    }
}

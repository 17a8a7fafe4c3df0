import COpenSSL
import CheckpointHub
import Foundation
import Testing

/// Pulling from a hub that behaves, and from ones that don't.
@Suite struct CheckpointPullTests {
    /// A folder that does not exist yet, removed at the end.
    private final class Target {
        let path = NSTemporaryDirectory() + "pull-" + UUID().uuidString
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func contents(_ name: String) -> [UInt8]? {
            FileManager.default.contents(atPath: path + "/" + name).map { [UInt8]($0) }
        }
    }

    private static let weights = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    private static let config = Array("{}".utf8)

    private static func sha256(_ bytes: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        _ = SHA256(bytes, bytes.count, &digest)
        return digest.map { String(format: "%02x", $0) }.joined()
    }

    /// `{}` as a git blob, by `git hash-object`.
    private static let configBlob = "9e26dfeeb6e641a33dae4961196235bdb965b21b"

    private static func listing(sha: String? = nil, size: Int? = nil, extra: String = "") -> [UInt8] {
        let digest = sha ?? sha256(weights)
        return Array(
            """
            {"sha":"abc","siblings":[{"rfilename":"config.json","size":2,"blobId":"\(configBlob)"},
            {"rfilename":"README.md","size":5,"blobId":"x"},{"rfilename":"pytorch_model.bin","size":5},
            {"rfilename":"model.safetensors","size":1,"blobId":"y","lfs":{"sha256":"\(digest)",
            "size":\(size ?? weights.count)}}\(extra)]}
            """.utf8)
    }

    /// Answers as a hub does; `weights` answers requests for the large file.
    private func hub(
        listing: [UInt8] = CheckpointPullTests.listing(),
        weights: @escaping @Sendable (ScriptedHub.Request, Int) -> [UInt8]
    ) throws -> ScriptedHub {
        try ScriptedHub { request, count in
            if request.target.hasPrefix("/api/models/") { return reply("200 OK", listing) }
            if request.target.hasSuffix("config.json") { return reply("200 OK", Self.config) }
            return weights(request, count)
        }
    }

    private func pull(
        _ hub: ScriptedHub, to target: Target, repository: String = "owner/model", retries: Int = 4,
        token: String? = nil
    ) throws -> [String] {
        try CheckpointPull(
            client: HubClient(base: hub.base, token: token), repository: repository, folder: target.path,
            retries: retries, pause: { _ in }
        ).run()
    }

    private static func ranged(_ request: ScriptedHub.Request, cutAfter: Int? = nil) -> [UInt8] {
        let rest = Array(weights[request.offset...])
        if request.offset == 0 { return reply("200 OK", rest, cutAfter: cutAfter) }
        let range = "Content-Range: bytes \(request.offset)-\(weights.count - 1)/\(weights.count)"
        return reply("206 Partial Content", rest, headers: [range], cutAfter: cutAfter)
    }

    @Test func bringsWhatServesAndNothingElse() throws {
        let target = Target()
        let hub = try hub { request, _ in Self.ranged(request) }
        defer { hub.stop() }
        #expect(try pull(hub, to: target) == ["config.json", "model.safetensors"])
        #expect(target.contents("model.safetensors") == Self.weights)
        #expect(target.contents("config.json") == Self.config)
        #expect(try FileManager.default.contentsOfDirectory(atPath: target.path).count == 2)
        // A second pull finds everything in place and asks for the list only.
        let before = hub.requests.count
        _ = try pull(hub, to: target)
        #expect(hub.requests.count == before + 1)
    }

    @Test func goesOnWhereTheConnectionWasCut() throws {
        let target = Target()
        let hub = try hub { request, count in Self.ranged(request, cutAfter: count < 4 ? 70_000 : nil) }
        defer { hub.stop() }
        _ = try pull(hub, to: target)
        #expect(target.contents("model.safetensors") == Self.weights)
        let offsets = hub.requests.filter { $0.target.hasSuffix("safetensors") }.map(\.offset)
        #expect(offsets == [0, 70_000, 140_000, 210_000])
    }

    @Test func startsAgainWhenRangesAreIgnored() throws {
        let target = Target()
        let hub = try hub { request, count in
            reply("200 OK", Self.weights, cutAfter: count == 1 ? 1_000 : nil)
        }
        defer { hub.stop() }
        _ = try pull(hub, to: target)
        #expect(target.contents("model.safetensors") == Self.weights)
    }

    @Test func givesUpAfterItsRetriesAndKeepsWhatItHas() throws {
        let target = Target()
        let hub = try hub { request, _ in Self.ranged(request, cutAfter: 10) }
        defer { hub.stop() }
        #expect(throws: HubError.self) { try pull(hub, to: target, retries: 2) }
        #expect(target.contents("model.safetensors") == nil)
        #expect(target.contents("model.safetensors.partial")?.count == 30)
    }

    @Test func refusesOtherBytesThanTheHubPromised() throws {
        let target = Target()
        let hub = try hub { _, _ in reply("200 OK", Self.weights.reversed()) }
        defer { hub.stop() }
        let error = #expect(throws: HubError.self) { try pull(hub, to: target) }
        #expect(try #require(error).description.contains("expected digest"))
        #expect(target.contents("model.safetensors") == nil)
        #expect(target.contents("model.safetensors.partial") == nil)
    }

    @Test func refusesMoreBytesThanTheHubPromised() throws {
        let target = Target()
        let hub = try hub { _, _ in reply("200 OK", Self.weights + [1]) }
        defer { hub.stop() }
        #expect(throws: HubError.wrongSize(file: "model.safetensors", expected: 300_000, found: 300_001)) {
            try pull(hub, to: target)
        }
    }

    @Test func followsRedirectsWithoutTheToken() throws {
        let target = Target()
        let store = try ScriptedHub { request, _ in Self.ranged(request) }
        let location = "Location: \(store.base)/blob"
        let hub = try hub { _, _ in reply("302 Found", headers: [location]) }
        defer {
            hub.stop()
            store.stop()
        }
        _ = try pull(hub, to: target, token: "hf_secret")
        #expect(target.contents("model.safetensors") == Self.weights)
        #expect(hub.requests.allSatisfy { $0.text.contains("Authorization: Bearer hf_secret\r\n") })
        #expect(store.requests.allSatisfy { !$0.text.contains("hf_secret") })
    }

    @Test func endsRedirectLoops() throws {
        let hub = try hub { request, _ in reply("302 Found", headers: ["Location: \(request.target)"]) }
        defer { hub.stop() }
        let error = #expect(throws: HubError.self) { try pull(hub, to: Target()) }
        #expect(try #require(error).description.contains("too many redirects"))
    }

    @Test(arguments: [
        (reply("404 Not Found"), "not found"), (reply("401 Unauthorized"), "needs a token"),
        (reply("200 OK", Array("nonsense".utf8)), "no JSON"), (Array("garbage\r\n\r\n".utf8), "status line"),
        (reply("200 OK", Array(#"{"siblings":[]}"#.utf8)), "no config.json"), ([], "no reply"),
    ])
    func saysWhatIsWrongWithTheListing(bytes: [UInt8], expected: String) throws {
        let hub = try ScriptedHub { _, _ in bytes }
        defer { hub.stop() }
        let error = #expect(throws: HubError.self) { try pull(hub, to: Target()) }
        #expect(try #require(error).description.contains(expected))
    }

    @Test(arguments: ["", "/", "a/b/c", "../x", "owner/..", "owner/na me", "owner/x?y", "owner/x\r\ny"])
    func refusesNamesThatAreNoRepository(name: String) throws {
        let hub = try ScriptedHub { _, _ in reply("200 OK") }
        defer { hub.stop() }
        #expect(throws: HubError.badRepository(name)) {
            try pull(hub, to: Target(), repository: name)
        }
        #expect(hub.requests.isEmpty)
    }

    @Test(arguments: [
        "ftp://x", "https://", "http://user@host", "http://host:0", "http://host:99999", "host",
    ])
    func refusesAddressesThatAreNone(text: String) {
        #expect(throws: HubError.badAddress(text)) { try HubURL(text) }
    }

    @Test func readsAddresses() throws {
        let url = try HubURL("https://hub.example:8443/base?x=1#part")
        #expect(url.host == "hub.example" && url.port == 8443 && url.isEncrypted)
        #expect(url.target == "/base?x=1")
        #expect(try HubURL("http://[::1]:8080").appending("a").description == "http://[::1]:8080/a")
        #expect(try url.resolving("/other").description == "https://hub.example:8443/other")
    }

    @Test func aClosedPortIsOneClearLine() throws {
        let hub = try ScriptedHub { _, _ in [] }
        hub.stop()
        let error = #expect(throws: HubError.self) { try pull(hub, to: Target(), retries: 0) }
        #expect(try #require(error).description.contains("127.0.0.1"))
    }
}

import CTestCertificates
import Glibc
import HTTP1
import HTTPServer
import Logging
import Testing

@Suite struct TLSTests {
    private struct Files {
        let certificate: String
        let key: String

        init(_ name: String) {
            let base = "/tmp/mllmseg-tls-\(getpid())-\(name)"
            (certificate, key) = (base + ".pem", base + ".key")
        }

        func write(_ name: String) {
            #expect(ctest_write_certificate(name, certificate, key) == 1)
        }

        func remove() {
            unlink(certificate)
            unlink(key)
        }
    }

    private func withTLS(
        _ name: String, _ change: (inout TLSConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (Int, HTTPServer) throws -> Void
    ) async throws {
        let files = Files(name)
        files.write("first")
        defer { files.remove() }
        var tls = TLSConfiguration(certificatePath: files.certificate, keyPath: files.key)
        change(&tls)
        try await withServer(configure: { $0.tls = tls }, body)
    }

    @Test func answersOverBothVersions() async throws {
        try await withTLS("versions") { port, _ in
            for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
                let client = try #require(
                    SecureClient(port: port, version: version, protocols: ["h2", "http/1.1"]))
                #expect(client.version == version)
                #expect(client.applicationProtocol == "http/1.1")
                for _ in 0..<2 { #expect(client.exchange(get).hasPrefix("HTTP/1.1 200 OK\r\n")) }
            }
            #expect(SecureClient(port: port, version: TLS1_1_VERSION) == nil)
            #expect(SecureClient(port: port, version: TLS1_VERSION) == nil)
            #expect(SecureClient(port: port, protocols: ["h2"]) == nil)
        }
    }

    @Test func onlyThirteenWhenAsked() async throws {
        try await withTLS("thirteen", { $0.requiresTLS13 = true }) { port, _ in
            #expect(SecureClient(port: port, version: TLS1_2_VERSION) == nil)
            #expect(SecureClient(port: port)?.version == TLS1_3_VERSION)
        }
    }

    @Test func largeBodiesBothWays() async throws {
        try await withTLS("large") { port, _ in
            let client = try #require(SecureClient(port: port))
            let answer = client.exchange("GET /large HTTP/1.1\r\nHost: h\r\n\r\n", count: 4 << 20)
            #expect(answer.utf8.count > 4 << 20)
            let body = String(repeating: "x", count: 300_000)
            let head = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n"
            #expect(client.exchange(head + body, count: 300_000).hasSuffix(body))
        }
    }

    @Test func plainHTTPGetsAClearAnswer() async throws {
        try await withTLS("plain") { port, _ in
            let client = try LoopbackClient(port: port)
            let response = try #require(client.exchange(get))
            #expect(response.status == 400 && response.closes)
            #expect(response.text.contains("https://"))
        }
    }

    @Test func halfOpenHandshakesEnd() async throws {
        let files = Files("halfopen")
        files.write("first")
        defer { files.remove() }
        let tls = TLSConfiguration(certificatePath: files.certificate, keyPath: files.key)
        try await withServer(configure: {
            $0.tls = tls
            $0.timeouts.headNanoseconds = 200_000_000
        }) { port, _ in
            let silent = try LoopbackClient(port: port)
            let stuck = try LoopbackClient(port: port)
            stuck.send([22, 3, 1, 2, 0, 1])
            #expect(silent.isClosed())
            #expect(stuck.isClosed())
        }
    }

    @Test func reloadKeepsOpenConnections() async throws {
        let files = Files("reload")
        files.write("first")
        defer { files.remove() }
        let tls = TLSConfiguration(certificatePath: files.certificate, keyPath: files.key)
        try await withServer(configure: { $0.tls = tls }) { port, server in
            let old = try #require(SecureClient(port: port))
            #expect(old.peerName == "first")
            #expect(ctest_write_certificate("second", tls.certificatePath, tls.keyPath) == 1)
            try server.reloadCertificate()
            #expect(eventually { SecureClient(port: port)?.peerName == "second" })
            #expect(old.exchange(get).hasPrefix("HTTP/1.1 200 OK"))
            // A broken file leaves the certificate in use as it is.
            truncate(tls.certificatePath, 10)
            #expect(throws: HTTPServerError.self) { try server.reloadCertificate() }
            #expect(SecureClient(port: port)?.peerName == "second")
        }
    }

    /// A ticket outlives one change of the key, is written anew then, and does not outlive two.
    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION]) func ticketKeysRotate(_ version: Int32) async throws {
        try await withTLS("tickets-\(version)") { port, server in
            func exchange(
                _ ticket: SecureClient.Ticket?
            ) throws -> (isResumed: Bool, ticket: SecureClient.Ticket) {
                let client = try #require(SecureClient(port: port, version: version, resumed: ticket))
                #expect(client.exchange(get).hasPrefix("HTTP/1.1 200 OK"))
                return (client.isResumed, try #require(client.ticket))
            }
            let first = try exchange(nil)
            #expect(!first.isResumed)
            let again = try exchange(first.ticket)
            #expect(again.isResumed)
            server.rotateTicketKeys()
            let renewed = try exchange(first.ticket)
            #expect(renewed.isResumed)
            server.rotateTicketKeys()
            #expect(eventually { (try? exchange(first.ticket))?.isResumed == false })
            let last = try exchange(renewed.ticket)
            #expect(last.isResumed)
        }
    }

    @Test func wrongFilesAreClearErrors() throws {
        let files = Files("wrong")
        let other = Files("other")
        files.write("a")
        other.write("b")
        defer {
            files.remove()
            other.remove()
        }
        func failure(_ certificate: String, _ key: String) -> String {
            var configuration = HTTPServerConfiguration(addresses: [.tcp(host: "127.0.0.1", port: 0)])
            configuration.tls = TLSConfiguration(certificatePath: certificate, keyPath: key)
            let server = HTTPServer(
                configuration: configuration, handler: TestHandler(), logger: Logger(label: "test"))
            do throws(HTTPServerError) {
                try server.start()
                return ""
            } catch { return error.description }
        }
        #expect(failure("/no/such.pem", files.key) == "certificate /no/such.pem: No such file or directory")
        #expect(failure(files.key, files.key).hasPrefix("certificate \(files.key): "))
        #expect(failure(files.certificate, "/no/such.key") == "key /no/such.key: No such file or directory")
        #expect(failure(files.certificate, other.key) == "key \(other.key): key values mismatch")
    }
}

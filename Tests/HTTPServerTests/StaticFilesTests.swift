import Glibc
import HTTP1
import HTTPServer
import Testing

@Suite struct StaticFilesTests {
    /// A folder with a page, a hidden file, and a link that leads out.
    private func withFolder(_ body: (String) throws -> Void) throws {
        let root = "/tmp/mllmseg-static-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let paths = ["", "/sub", "/.hidden"]
        for path in paths { mkdir(root + path, 0o700) }
        let files = [
            "/index.html": "<p>", "/sub/index.html": "sub", "/a b.js": "js", "/.hidden/x": "no",
            "/.env": "no",
        ]
        for (path, text) in files {
            let file = fopen(root + path, "w")
            fputs(text, file)
            if let file { fclose(file) }
        }
        symlink("/etc/passwd", root + "/passwd.txt")
        symlink("/etc", root + "/etc")
        defer { removeTree(root) }
        try body(root)
    }

    private func removeTree(_ root: String) {
        for path in [
            "/index.html", "/sub/index.html", "/a b.js", "/.hidden/x", "/.env", "/passwd.txt", "/etc",
        ] {
            unlink(root + path)
        }
        for path in ["/sub", "/.hidden", ""] { rmdir(root + path) }
    }

    private func get(_ path: String, method: String = "GET", headers: HTTPHeaders = [:]) -> HTTPRequestHead {
        HTTPRequestHead(method: method, target: path, path: path, headers: headers)
    }

    @Test func servesTheFolder() throws {
        try withFolder { root in
            let files = try StaticFiles(root: root)
            let page = try #require(files.response(to: get("/")))
            #expect(page.status == 200)
            #expect(page.headers["Content-Type"] == "text/html; charset=utf-8")
            #expect(page.headers["Content-Security-Policy"]?.contains("default-src 'none'") == true)
            #expect(page.headers["X-Content-Type-Options"] == "nosniff")
            guard case .bytes(let bytes) = page.body else {
                Issue.record("no body")
                return
            }
            #expect(bytes == Array("<p>".utf8))
            #expect(files.response(to: get("/index.html"))?.headers["ETag"] == page.headers["ETag"])
            #expect(
                files.response(to: get("/a b.js"))?.headers["Content-Type"]
                    == "text/javascript; charset=utf-8")
            #expect(files.response(to: get("/sub/"))?.status == 200)
            #expect(files.response(to: get("/sub"))?.headers["Location"] == "./sub/")
            let posted = files.response(to: get("/", method: "POST"))
            #expect(posted?.status == 405 && posted?.headers["Allow"] == "GET, HEAD, OPTIONS")
            let asked = files.response(to: get("/", method: "OPTIONS"))
            #expect(asked?.status == 204 && asked?.headers["Allow"] == "GET, HEAD, OPTIONS")
            #expect(files.response(to: get("/", method: "HEAD"))?.status == 200)
        }
    }

    @Test func entityTags() throws {
        try withFolder { root in
            let files = try StaticFiles(root: root)
            let tag = try #require(files.response(to: get("/"))?.headers["ETag"])
            for field in [tag, "W/" + tag, "\"x\", " + tag, "*"] {
                #expect(files.response(to: get("/", headers: ["If-None-Match": field]))?.status == 304)
            }
            #expect(files.response(to: get("/", headers: ["If-None-Match": "\"x\""]))?.status == 200)
        }
    }

    @Test(arguments: [
        "/../etc/passwd", "/sub/../../etc/passwd", "/passwd.txt", "/etc/passwd", "/etc", "/.env",
        "/.hidden/x",
        "//index.html", "/./index.html", "/sub/../index.html", "index.html", "/index.html/", "", "*",
        "/nothing",
    ])
    func nothingElseIsReached(_ path: String) throws {
        try withFolder { root in
            let files = try StaticFiles(root: root)
            #expect(files.response(to: get(path)) == nil)
        }
    }

    @Test func limits() throws {
        try withFolder { root in
            let total = "<p>sub".utf8.count + "js".utf8.count
            _ = try StaticFiles(root: root, maximumBytes: total)
            #expect(throws: StaticFiles.Failure.tooLarge(path: root, limit: total - 1)) {
                try StaticFiles(root: root, maximumBytes: total - 1)
            }
        }
        #expect(throws: StaticFiles.Failure.notAFolder(path: "/no/such")) {
            try StaticFiles(root: "/no/such")
        }
    }
}

import Glibc
import HTTP1

/// Serves the files beneath one folder, which is read once: what is not in this table can't be reached by
/// any path, so there is no traversal to guard against, and no request waits for a disk.
/// When that would hurt: for a folder larger than memory should hold; `maximumBytes` refuses it.
public struct StaticFiles: Sendable {
    public enum Failure: Error, Sendable, Equatable {
        case notAFolder(path: String)
        case tooLarge(path: String, limit: Int)
    }

    private struct File: Sendable {
        var bytes: [UInt8]
        var contentType: String
        var entityTag: String
    }

    /// By URL path, "/" first; "/folder/" stands for its index.html.
    private let files: [String: File]
    private let securityHeaders: HTTPHeaders

    /// Scripts, styles and pictures come from the page's own origin only; data: and blob: pictures are
    /// masks that the page has received and photos that it has not yet sent.
    public static let defaultSecurityHeaders: HTTPHeaders = [
        "Content-Security-Policy":
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
            + "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    ]

    /// - Parameters:
    ///   - root: the folder. Hidden files and symbolic links are left out.
    ///   - maximumBytes: of all files together.
    public init(
        root: String, maximumBytes: Int = 64 * 1024 * 1024,
        securityHeaders: HTTPHeaders = StaticFiles.defaultSecurityHeaders
    ) throws(Failure) {
        var files: [String: File] = [:]
        var total = 0
        for (path, bytes) in try FolderReader.read(root, maximumBytes: maximumBytes) {
            total += bytes.count
            guard total <= maximumBytes else { throw .tooLarge(path: root, limit: maximumBytes) }
            let file = File(
                bytes: bytes, contentType: ContentTypes.type(ofPath: path), entityTag: Self.entityTag(bytes))
            files[path] = file
            let index = "/index.html"
            if path.hasSuffix(index) { files[String(path.dropLast(index.utf8.count - 1))] = file }
        }
        self.files = files
        self.securityHeaders = securityHeaders
    }

    public static let allow = ["GET", "HEAD", "OPTIONS"]

    /// - Returns: nil when there is no such file: answer 404. OPTIONS is told what there is, and other methods
    ///   than GET and HEAD get 405.
    public func response(to head: HTTPRequestHead) -> HTTPResponse? {
        guard let file = files[head.path] else {
            guard !head.path.isEmpty, files[head.path + "/"] != nil else { return nil }
            // Relative, so that it holds behind a proxy that serves all this under a path of its own.
            let name = head.path.split(separator: "/").last.map(String.init) ?? ""
            return HTTPResponse(status: 308, headers: ["Location": "./" + Self.encodedPath(name) + "/"])
        }
        guard head.method == "GET" || head.method == "HEAD" else {
            return HTTPResponse(
                status: head.method == "OPTIONS" ? 204 : 405,
                headers: ["Allow": Self.allow.joined(separator: ", ")])
        }
        var headers = securityHeaders
        headers.append("ETag", file.entityTag)
        headers.append("Cache-Control", "no-cache")
        if let known = head.headers["If-None-Match"], Self.matches(known, file.entityTag) {
            return HTTPResponse(status: 304, headers: headers)
        }
        headers.append("Content-Type", file.contentType)
        return HTTPResponse(status: 200, headers: headers, body: .bytes(file.bytes))
    }

    /// FNV-1a over the content: it has to change with the file, not to resist anyone.
    private static func entityTag(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return "\"\(String(hash, radix: 16))-\(String(bytes.count, radix: 16))\""
    }

    /// The weak comparison of RFC 9110 section 13.1.2.
    private static func matches(_ field: String, _ tag: String) -> Bool {
        field.split(separator: ",").contains { member in
            let member = member.drop { $0 == " " }
            let name = member.prefix { $0 != " " }
            return name == "*" || name == tag || name == "W/" + tag
        }
    }

    /// A file's own path, so only what can't stand in a field as it is needs encoding.
    private static func encodedPath(_ path: String) -> String {
        var text = ""
        for byte in path.utf8 {
            let isPlain = byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "?")
            if isPlain {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += byte < 16 ? "%0\(String(byte, radix: 16))" : "%\(String(byte, radix: 16))"
            }
        }
        return text
    }
}

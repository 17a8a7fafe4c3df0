import FoundationEssentials
import HTTP1

/// Asks a Hugging Face style hub: lists a repository's files and opens one of them.
public struct HubClient: Sendable {
    /// The public hub.
    public static let defaultBase = "https://huggingface.co"
    private static let redirectLimit = 5
    private static let listingLimit = 16 << 20

    public let base: HubURL
    /// Sent to the hub's own host only, never to where it redirects.
    private let token: String?

    public init(base: String = HubClient.defaultBase, token: String? = nil) throws(HubError) {
        self.base = try HubURL(base)
        // A line break in a token would start a header field of its own.
        self.token = token.flatMap { $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !$0.isEmpty ? $0 : nil }
    }

    /// One file of a repository, as the hub describes it.
    public struct File: Sendable, Equatable, Decodable {
        struct LargeFile: Sendable, Equatable, Decodable {
            var sha256: String
            var size: Int?
        }

        public let rfilename: String
        public let size: Int?
        /// SHA-1 of the git blob, for files that are not stored as large files.
        let blobId: String?
        let lfs: LargeFile?
    }

    private struct Listing: Decodable {
        var sha: String?
        var siblings: [File]?
    }

    /// The files of `repository` ("owner/name") at `revision`.
    public func files(of repository: String, revision: String) throws(HubError) -> [File] {
        try Self.check(repository)
        let path = "api/models/\(repository)/revision/\(Self.encode(revision))?blobs=true"
        var response = try get(try base.appending(path))
        guard response.head.status == 200 else {
            throw .status(url: response.url.description, code: response.head.status)
        }
        let body = try response.body(limit: Self.listingLimit)
        guard let listing = try? JSONDecoder().decode(Listing.self, from: Data(body)),
            let files = listing.siblings
        else {
            throw .malformedReply(url: response.url.description, reason: "no JSON with a list of siblings")
        }
        return files
    }

    /// Opens a file's bytes from `offset` on. The reply's status says whether the hub honours it (206).
    func open(
        _ file: String, of repository: String, revision: String, from offset: Int
    ) throws(HubError) -> HubResponse {
        try Self.check(repository)
        let path = "\(repository)/resolve/\(Self.encode(revision))/\(Self.encode(file))"
        return try get(try base.appending(path), range: offset > 0 ? "bytes=\(offset)-" : nil)
    }

    private func get(_ url: HubURL, range: String? = nil) throws(HubError) -> HubResponse {
        var url = url
        for _ in 0...Self.redirectLimit {
            let connection = try HubConnection(url)
            try connection.write(request(url, range: range))
            let response = try HubResponse(reading: connection, from: url)
            guard [301, 302, 303, 307, 308].contains(response.head.status) else { return response }
            guard let location = response.head.headers["Location"] else {
                throw .malformedReply(url: url.description, reason: "a redirect without a Location")
            }
            let next = try url.resolving(location)
            guard next.isEncrypted || !url.isEncrypted else {
                throw .insecureRedirect(from: url.description, to: next.description)
            }
            url = next
        }
        throw .tooManyRedirects(url: url.description)
    }

    private func request(_ url: HubURL, range: String?) -> [UInt8] {
        var lines = [
            "GET \(url.target) HTTP/1.1", "Host: \(url.authority)", "User-Agent: mllmseg",
            "Accept: */*", "Accept-Encoding: identity", "Connection: close",
        ]
        if let range { lines.append("Range: \(range)") }
        if let token, url.host == base.host, url.port == base.port, url.isEncrypted == base.isEncrypted {
            lines.append("Authorization: Bearer \(token)")
        }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// "owner/name" or "name" of letters, digits, '.', '_' and '-'.
    private static func check(_ repository: String) throws(HubError) {
        let parts = repository.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".."
                && part.utf8.allSatisfy { isUnreserved($0) && $0 != UInt8(ascii: "~") }
        }
        guard isPlain, (1...2).contains(parts.count) else { throw .badRepository(repository) }
    }

    private static func encode(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            if isUnreserved(byte) {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                out += "%" + (digits.count < 2 ? "0" + digits : digits)
            }
        }
        return out
    }

    /// RFC 3986 section 2.3.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
        default: false
        }
    }
}

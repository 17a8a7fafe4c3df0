import Glibc

/// Brings a repository's checkpoint files into a folder: each under a `.partial` name first, resumed where an earlier
/// try stopped, checked against the hub's digest, then renamed. Files that are there already are kept.
public struct CheckpointPull {
    /// Bytes of one file so far.
    public struct Progress: Sendable {
        public var file: String
        public var received: Int
        public var expected: Int?
    }

    private let client: HubClient
    private let repository: String
    private let revision: String
    private let folder: String
    /// Tries after a broken connection, with growing pauses; each goes on where the last one stopped.
    private let retries: Int
    private let pause: (Int) -> Void
    private let report: (Progress) -> Void

    public init(
        client: HubClient, repository: String, revision: String = "main", folder: String, retries: Int = 4,
        pause: @escaping (_ tries: Int) -> Void = { sleep(UInt32(1) << UInt32(min($0, 4))) },
        report: @escaping (Progress) -> Void = { _ in }
    ) {
        self.client = client
        self.repository = repository
        self.revision = revision
        self.folder = folder
        self.retries = retries
        self.pause = pause
        self.report = report
    }

    /// Pulls everything that a server needs; returns the names. Pickles and code are never pulled.
    public func run() throws(HubError) -> [String] {
        let files = try client.files(of: repository, revision: revision).filter {
            Self.isNeeded($0.rfilename)
        }
        guard files.contains(where: { $0.rfilename == "config.json" }),
            files.contains(where: { $0.rfilename.hasSuffix(".safetensors") })
        else { throw .noCheckpoint(repository: repository) }
        for file in files {
            // Needed names are plain, but a listing comes from outside: look twice before writing.
            guard !file.rfilename.contains("/"), !file.rfilename.hasPrefix(".") else {
                throw .badFileName(file.rfilename)
            }
        }
        guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
            throw .write(path: folder, reason: String(cString: strerror(errno)))
        }
        for file in files { try pull(file) }
        return files.map(\.rfilename)
    }

    static func isNeeded(_ name: String) -> Bool {
        guard !name.contains("/") else { return false }
        return name.hasSuffix(".safetensors") || name.hasSuffix(".json") || name == "merges.txt"
            || name == "tokenizer.model"
    }

    private func pull(_ file: HubClient.File) throws(HubError) {
        let path = folder + "/" + file.rfilename
        let expected = file.lfs?.size ?? file.size
        if try isComplete(path, file, expected) {
            report(Progress(file: file.rfilename, received: expected ?? 0, expected: expected))
            return
        }
        let partial = path + ".partial"
        var tries = 0
        while true {
            do {
                try transfer(file, into: partial, expected: expected)
                break
            } catch {
                guard Self.isWorthRetrying(error), tries < retries else { throw error }
                pause(tries)
                tries += 1
            }
        }
        try verify(partial, file, expected)
        guard rename(partial, path) == 0 else {
            throw .write(path: path, reason: String(cString: strerror(errno)))
        }
    }

    private static func isWorthRetrying(_ error: HubError) -> Bool {
        switch error {
        case .cut, .connection: true
        case .status(_, let code): code == 429 || code >= 500
        default: false
        }
    }

    private func isComplete(
        _ path: String, _ file: HubClient.File, _ expected: Int?
    ) throws(HubError) -> Bool {
        guard let size = Self.size(path), expected == nil || expected == size else { return false }
        guard let digest = ExpectedDigest(file) else { return expected != nil }
        return digest.digest(ofFileAt: path, size: size) == digest.hexadecimal
    }

    /// Appends to `partial` from where it ends, or writes it anew when the hub sends the whole file.
    private func transfer(
        _ file: HubClient.File, into partial: String, expected: Int?
    ) throws(HubError) {
        var offset = Self.size(partial) ?? 0
        if let expected, offset == expected { return }
        if let expected, offset > expected { offset = 0 }
        var response = try client.open(
            file.rfilename, of: repository, revision: revision, from: offset)
        switch response.head.status {
        case 206 where Self.rangeStart(response.head.headers["Content-Range"]) == offset: break
        case 200: offset = 0
        case 416:
            // What lies there is no part of this file.
            unlink(partial)
            throw .cut(url: response.url.description, received: 0, expected: expected ?? 0)
        default: throw .status(url: response.url.description, code: response.head.status)
        }
        let mode = O_WRONLY | O_CREAT | O_CLOEXEC | (offset == 0 ? O_TRUNC : O_APPEND)
        let descriptor = Glibc.open(partial, mode, 0o644)
        guard descriptor >= 0 else {
            throw .write(path: partial, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        while let piece = try response.next() {
            try Self.write(piece, to: descriptor, path: partial)
            offset += piece.count
            report(Progress(file: file.rfilename, received: offset, expected: expected))
        }
        guard fsync(descriptor) == 0 else {
            throw .write(path: partial, reason: String(cString: strerror(errno)))
        }
        if let expected, offset < expected {
            throw .cut(url: response.url.description, received: offset, expected: expected)
        }
    }

    private static func write(
        _ bytes: [UInt8], to descriptor: Int32, path: String
    ) throws(HubError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .write(path: path, reason: String(cString: strerror(errno))) }
            written += count
        }
    }

    private func verify(
        _ partial: String, _ file: HubClient.File, _ expected: Int?
    ) throws(HubError) {
        let found = Self.size(partial) ?? 0
        if let expected, found != expected {
            unlink(partial)
            throw .wrongSize(file: file.rfilename, expected: expected, found: found)
        }
        guard let digest = ExpectedDigest(file) else { return }
        let actual = digest.digest(ofFileAt: partial, size: found) ?? "unreadable"
        guard actual == digest.hexadecimal else {
            unlink(partial)
            throw .wrongDigest(file: file.rfilename, expected: digest.hexadecimal, found: actual)
        }
    }

    private static func size(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// The first number of "bytes 100-199/200" (RFC 9110 section 14.4).
    static func rangeStart(_ field: String?) -> Int? {
        guard let field, field.hasPrefix("bytes ") else { return nil }
        return Int(field.dropFirst(6).prefix { $0 != "-" })
    }
}

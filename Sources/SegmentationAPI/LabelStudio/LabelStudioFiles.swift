import Glibc
import HTTP1

/// Pictures that Label Studio names instead of sending: data: URIs, and files under one folder that the
/// operator chose. No address is ever fetched: of one, only the path counts.
struct LabelStudioFiles: Sendable {
    /// Nil: only data: URIs are read.
    let folder: String?
    let maximumBytes: Int

    /// What a task's picture may be, for people.
    var allowed: String {
        folder == nil
            ? "a data: URI, because no folder is set for Label Studio's files (--label-studio-files)"
            : "a data: URI or a file below the folder set for Label Studio; addresses are never fetched"
    }

    /// Nil when there is no such picture, or it lies outside the folder.
    func picture(_ value: String) -> [UInt8]? {
        if value.hasPrefix("data:") {
            guard let comma = value.firstIndex(of: ","), value[..<comma].hasSuffix(";base64") else {
                return nil
            }
            return Base64.decode(String(value[value.index(after: comma)...]))
        }
        guard let folder else { return nil }
        return Self.names(value).lazy.compactMap { contents(of: folder + "/" + $0, below: folder) }.first
    }

    /// Paths below the folder that `value` may stand for. Label Studio writes `/data/upload/1/a.png` for
    /// `upload/1/a.png` of its media folder, which is `media` of its data folder, and
    /// `/data/local-files/?d=sub/a%20b.png` for `sub/a b.png` of its local files; with a host in front when it
    /// was given one.
    private static func names(_ value: String) -> [String] {
        var path = value[...]
        if let scheme = value.firstRange(of: "://") {
            guard ["http", "https"].contains(value[..<scheme.lowerBound].lowercased()),
                let start = value[scheme.upperBound...].firstRange(of: "/data/")
            else { return [] }
            path = value[start.lowerBound...]
        }
        if let query = path.firstRange(of: "/local-files/?d=") {
            let name = path[query.upperBound...].prefix { $0 != "&" }
            return PercentEncoding.decode(name.utf8).map { [$0] } ?? []
        }
        guard path.hasPrefix("/data/") else { return [String(path)] }
        guard let name = PercentEncoding.decode(path.dropFirst("/data/".utf8.count).utf8) else {
            return []
        }
        return [name, "media/" + name, String(path)]
    }

    /// The real path is compared, so that neither `..` nor a link leads out.
    private func contents(of path: String, below folder: String) -> [UInt8]? {
        guard !path.utf8.contains(0), let root = Self.realPath(folder), let file = Self.realPath(path),
            file.hasPrefix(root + "/")
        else { return nil }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size <= maximumBytes
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let wanted = bytes.count - filled
            let count = bytes.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress?.advanced(by: filled), wanted)
            }
            guard count > 0 else { return nil }
            filled += count
        }
        return bytes
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

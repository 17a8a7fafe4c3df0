import Glibc

/// Pictures that Label Studio names instead of sending: data: URIs, and files under one folder that the
/// operator chose. No address is ever fetched.
struct LabelStudioFiles: Sendable {
    /// Nil: only data: URIs are read.
    let folder: String?
    let maximumBytes: Int

    /// Nil when there is no such picture, or it lies outside the folder.
    func picture(_ value: String) -> [UInt8]? {
        if value.hasPrefix("data:") {
            guard let comma = value.firstIndex(of: ","), value[..<comma].hasSuffix(";base64") else {
                return nil
            }
            return Base64.decode(String(value[value.index(after: comma)...]))
        }
        guard let folder, !value.contains("://") else { return nil }
        // Label Studio's local files come as /data/local-files/?d=<path below the root>.
        let name = value.split(separator: "?d=", maxSplits: 1).last.map(String.init) ?? value
        return contents(of: folder + "/" + name, below: folder)
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

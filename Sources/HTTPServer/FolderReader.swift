import Glibc

/// Reads every regular file beneath a folder. Hidden names and symbolic links are left out, so nothing
/// from outside the folder gets in.
enum FolderReader {
    /// - Returns: URL paths ("/js/page.js") and contents.
    static func read(
        _ root: String, maximumBytes: Int
    ) throws(StaticFiles.Failure) -> [(path: String, bytes: [UInt8])] {
        guard let directory = opendir(root) else { throw .notAFolder(path: root) }
        closedir(directory)
        var files: [(String, [UInt8])] = []
        var room = maximumBytes
        try read(root, urlPath: "", into: &files, room: &room, root: root, limit: maximumBytes)
        return files
    }

    private static func read(
        _ folder: String, urlPath: String, into files: inout [(String, [UInt8])], room: inout Int,
        root: String,
        limit: Int
    ) throws(StaticFiles.Failure) {
        for name in names(in: folder) where !name.hasPrefix(".") {
            let path = folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                try read(
                    path, urlPath: urlPath + "/" + name, into: &files, room: &room, root: root, limit: limit)
            case S_IFREG:
                room -= Int(status.st_size)
                guard room >= 0 else { throw .tooLarge(path: root, limit: limit) }
                if let bytes = contents(path, count: Int(status.st_size)) {
                    files.append((urlPath + "/" + name, bytes))
                }
            default: continue
            }
        }
    }

    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names.sorted()
    }

    private static func contents(_ path: String, count: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress.map { $0 + done }, count - done)
            }
            guard got > 0 else { return nil }
            done += got
        }
        return bytes
    }
}

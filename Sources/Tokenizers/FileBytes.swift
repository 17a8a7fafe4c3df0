import Glibc

/// Reads whole files of bounded size.
enum FileBytes {
    static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// The file's bytes; throws when it can't be read or is larger than `limit` bytes.
    static func read(_ path: String, limit: Int) throws(TokenizerError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(file: path, errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(file: path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .malformed(file: path, reason: "not a regular file")
        }
        let size = Int(status.st_size)
        guard size <= limit else { throw .tooLarge(file: path, bytes: size, limit: limit) }

        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = Glibc.read(descriptor, buffer.baseAddress! + count, size - count)
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { return }  // a file that shrank meanwhile is simply shorter
                count += got
            }
        }
        guard failure == 0 else { throw .unreadable(file: path, errno: failure) }
        return bytes
    }
}

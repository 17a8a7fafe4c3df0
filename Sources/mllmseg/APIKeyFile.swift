import Glibc
import Logging
import SegmentationAPI

/// The file of API keys that an operator named.
struct APIKeyFile {
    let path: String

    /// Far more than anyone has keys.
    private static let maximumBytes = 1 << 20

    /// The failure names the file and the line, never a key.
    func read(_ logger: Logger) throws(CommandFailure) -> APIKeys {
        let bytes = try FileContents.read(path, limit: Self.maximumBytes)
        do throws(APIKeys.Failure) {
            let keys = try APIKeys(parsing: bytes)
            warnIfOpen(logger)
            logger.info("API keys read", metadata: ["file": "\(path)", "keys": "\(keys.count)"])
            return keys
        } catch {
            throw CommandFailure("can't use the API keys in \(path): \(error)")
        }
    }

    private func warnIfOpen(_ logger: Logger) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & 0o077 != 0 else { return }
        logger.warning("other users of this machine may read the API keys", metadata: ["file": "\(path)"])
    }
}

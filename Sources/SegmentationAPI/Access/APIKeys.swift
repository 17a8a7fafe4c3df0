import COpenSSL
import Observability
import Segmentation

/// The keys that may use the service, each kept as its SHA-256 only.
public struct APIKeys: Sendable {
    /// What is wrong with a key file. It never holds a key.
    public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// From 1; nil when the file as a whole is at fault.
        public var line: Int?
        public var reason: String

        public var description: String { line.map { "line \($0): \(reason)" } ?? reason }
    }

    private struct Entry: Sendable {
        var name: String
        var digest: [UInt8]
    }

    /// Shorter keys could be guessed.
    private static let shortestKey = 16
    private static let longestKey = 256

    private var entries: [Entry] = []

    public var count: Int { entries.count }

    /// Reads lines of `NAME KEY`; empty lines and those that begin with `#` are passed over. The name is what
    /// logs say; it may stand on several lines, so that a key can be replaced while the old one still works.
    /// `sha256:` and 64 hexadecimal digits in place of a key keep the key itself out of the file.
    public init(parsing bytes: [UInt8]) throws(Failure) {
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            func failure(_ reason: String) -> Failure { Failure(line: index + 1, reason: reason) }
            let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            guard let name = words.first, name.first != UInt8(ascii: "#") else { continue }
            guard words.count == 2 else { throw failure("a line is a name, a blank and a key") }
            guard name.count <= 64, name.allSatisfy(Self.isOfName) else {
                throw failure("a name is at most 64 letters, digits, \".\", \"_\" or \"-\"")
            }
            let digest: [UInt8]
            do throws(Failure) { digest = try Self.digest(ofSecret: words[1]) } catch {
                throw failure(error.reason)
            }
            guard !entries.contains(where: { $0.digest == digest }) else {
                throw failure("the key stands on an earlier line already")
            }
            entries.append(Entry(name: String(decoding: name, as: UTF8.self), digest: digest))
        }
        guard !entries.isEmpty else { throw Failure(line: nil, reason: "there is no key in it") }
    }

    /// The name of the key that a client sent, or nil. Takes as long for a wrong key as for a right one: the
    /// digests have one length, each is compared whole, and all of them are.
    public func name(ofKey key: some Collection<UInt8>) -> String? {
        let digest = SHA256.digest(of: key)
        var found: Int?
        for (index, entry) in entries.enumerated()
        where CRYPTO_memcmp(entry.digest, digest, digest.count) == 0 {
            found = index
        }
        return found.map { entries[$0].name }
    }

    private static func digest(ofSecret secret: ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
        let prefix = Array("sha256:".utf8)
        if secret.starts(with: prefix) {
            guard let digest = Hexadecimal.decode(secret.dropFirst(prefix.count)), digest.count == 32 else {
                throw Failure(reason: "after \"sha256:\" come 64 hexadecimal digits")
            }
            return digest
        }
        guard (shortestKey...longestKey).contains(secret.count) else {
            throw Failure(
                reason: "the key has \(secret.count) characters; \(shortestKey) to \(longestKey) are needed")
        }
        guard secret.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Failure(reason: "a key is made of visible ASCII characters")
        }
        return SHA256.digest(of: secret)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }
}

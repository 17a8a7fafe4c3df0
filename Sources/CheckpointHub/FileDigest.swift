import COpenSSL
import Glibc
import Observability

/// What a downloaded file must be equal to.
enum ExpectedDigest: Equatable {
    /// Large files: SHA-256 of the bytes.
    case sha256(String)
    /// Small files: SHA-1 of git's blob, "blob <size>\0" and the bytes.
    case gitBlob(String)

    init?(_ file: HubClient.File) {
        if let large = file.lfs {
            self = .sha256(large.sha256.lowercased())
        } else if let blob = file.blobId, blob.count == 40 {
            self = .gitBlob(blob.lowercased())
        } else {
            return nil
        }
    }

    var hexadecimal: String {
        switch self {
        case .sha256(let text), .gitBlob(let text): text
        }
    }

    /// The digest of the file at `path`, in hexadecimal; nil when it can't be read.
    func digest(ofFileAt path: String, size: Int) -> String? {
        guard let file = fopen(path, "rb"), let context = EVP_MD_CTX_new() else { return nil }
        defer {
            fclose(file)
            EVP_MD_CTX_free(context)
        }
        switch self {
        case .sha256: EVP_DigestInit_ex(context, EVP_sha256(), nil)
        case .gitBlob:
            EVP_DigestInit_ex(context, EVP_sha1(), nil)
            let header = Array("blob \(size)\0".utf8)
            EVP_DigestUpdate(context, header, header.count)
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            EVP_DigestUpdate(context, buffer, count)
        }
        guard ferror(file) == 0 else { return nil }
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        EVP_DigestFinal_ex(context, &digest, &length)
        return Hexadecimal.encode(digest.prefix(Int(length)))
    }
}

import COpenSSL

/// SHA-256 (FIPS 180-4) of bytes in memory: 32 bytes.
package enum SHA256 {
    package static func digest(of bytes: some Collection<UInt8>) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        let done: Int32? = bytes.withContiguousStorageIfAvailable { bytes in
            EVP_Digest(bytes.baseAddress, bytes.count, &digest, nil, EVP_sha256(), nil)
        }
        if done == nil {
            let copy = Array(bytes)
            EVP_Digest(copy, copy.count, &digest, nil, EVP_sha256(), nil)
        }
        return digest
    }
}

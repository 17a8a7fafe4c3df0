import Glibc

/// Where the demo page lies when nobody says.
enum PageFolder {
    /// Beside the program (a container image), or at the root of the package whose `.build` holds it.
    static func find() -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let length = readlink("/proc/self/exe", &buffer, Int(PATH_MAX))
        guard length > 0 else { return nil }
        let program = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let slash = program.lastIndex(of: "/") else { return nil }
        let folder = program[..<slash]
        let package = folder.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        return ["\(folder)/Public", package.joined(separator: "/") + "/Public"].first(
            where: FileContents.isFolder)
    }
}

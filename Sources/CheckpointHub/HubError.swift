/// Why a checkpoint could not be pulled, as facts; `description` is one line for a person.
public enum HubError: Error, Sendable, Equatable, CustomStringConvertible {
    case badAddress(String)
    case badRepository(String)
    case badFileName(String)
    case connection(host: String, reason: String)
    case certificate(host: String, reason: String)
    case malformedReply(url: String, reason: String)
    case status(url: String, code: Int)
    case tooManyRedirects(url: String)
    case insecureRedirect(from: String, to: String)
    case cut(url: String, received: Int, expected: Int)
    case wrongSize(file: String, expected: Int, found: Int)
    case wrongDigest(file: String, expected: String, found: String)
    case noCheckpoint(repository: String)
    case write(path: String, reason: String)

    public var description: String {
        switch self {
        case .badAddress(let text): "\(text) is not an http or https address"
        case .badRepository(let name): "\(name) is not a repository name such as owner/name"
        case .badFileName(let name): "the hub lists a file named \(name), which would lead out of the folder"
        case .connection(let host, let reason): "\(host): \(reason)"
        case .certificate(let host, let reason): "\(host): its certificate was refused: \(reason)"
        case .malformedReply(let url, let reason): "\(url): the reply is not what a hub sends: \(reason)"
        case .status(let url, 401), .status(let url, 403):
            "\(url): the hub refuses access; a private or gated repository needs a token (HF_TOKEN)"
        case .status(let url, 404): "\(url): not found; check the repository's name and revision"
        case .status(let url, let code): "\(url): the hub answered \(code)"
        case .tooManyRedirects(let url): "\(url): too many redirects"
        case .insecureRedirect(let from, let to):
            "\(from) redirects to \(to), which is not encrypted; refused"
        case .cut(let url, let received, let expected):
            "\(url): the connection ended after \(received) of \(expected) bytes; run the same command to go on"
        case .wrongSize(let file, let expected, let found):
            "\(file): expected \(expected) bytes, received \(found); it was removed, run the command again"
        case .wrongDigest(let file, let expected, let found):
            "\(file): expected digest \(expected), received \(found); it was removed, run the command again"
        case .noCheckpoint(let repository):
            "\(repository) has no config.json with safetensors; is it an MLLMSeg checkpoint?"
        case .write(let path, let reason): "\(path): \(reason)"
        }
    }
}

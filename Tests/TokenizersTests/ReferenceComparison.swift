import FoundationEssentials
import Testing
import Tokenizers

/// The big comparison with the reference libraries: `compare_with_reference.py` writes the file that the
/// environment variable names and runs this suite.
@Suite struct ReferenceComparison {
    struct Case: Decodable {
        var directory: String
        var text: String
        var ids: [Int32]
        var added: Bool
    }

    static let path = ProcessInfo.processInfo.environment["MLLMSEG_TOKENIZER_CASES"]

    @Test(.enabled(if: path != nil, "set MLLMSEG_TOKENIZER_CASES, or run compare_with_reference.py"))
    func everyCaseEqualsTheReference() throws {
        let bytes = try Data(contentsOf: URL(filePath: #require(Self.path)))
        var tokenizers: [String: any Tokenizer] = [:]
        var compared = 0
        var different = 0
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let test = try JSONDecoder().decode(Case.self, from: line)
            let tokenizer = try tokenizers[test.directory] ?? TokenizerLoader.load(directory: test.directory)
            tokenizers[test.directory] = tokenizer
            let ids = test.added ? tokenizer.encodeWithAddedTokens(test.text) : tokenizer.encode(test.text)
            compared += 1
            guard ids != test.ids else { continue }
            different += 1
            if different <= 20 {
                Issue.record("\(test.directory) \(test.text.debugDescription): \(ids), reference \(test.ids)")
            }
        }
        print("compared \(compared) strings with the reference, \(different) differ")
        #expect(compared > 0)
        #expect(different == 0)
    }
}

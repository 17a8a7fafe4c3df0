/// Picks the tokenizer family by the files that a checkpoint folder holds.
public enum TokenizerLoader {
    /// `vocab.json` + `merges.txt` (byte-level BPE), else `tokenizer.model` (SentencePiece), else a
    /// `tokenizer.json` with a byte-level BPE model.
    public static func load(directory: String) throws(TokenizerError) -> any Tokenizer {
        if FileBytes.exists(directory + "/vocab.json"), FileBytes.exists(directory + "/merges.txt") {
            return try ByteLevelBPETokenizer.load(directory: directory)
        }
        if FileBytes.exists(directory + "/tokenizer.model") {
            return try SentencePieceTokenizer.load(directory: directory)
        }
        let json = directory + "/tokenizer.json"
        if FileBytes.exists(json) {
            return try ByteLevelBPETokenizer.load(tokenizerJSON: json, directory: directory)
        }
        throw .noTokenizerFiles(directory: directory)
    }
}

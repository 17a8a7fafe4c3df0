/// The pieces that text may become, looked up by their bytes.
struct SentencePieceVocabulary: Sendable {
    let pieces: [SentencePieceModel.Piece]
    private var table: ByteStringTable
    /// By id: 0 merges first; pieces of one score share a rank.
    private var ranks: [UInt32]

    /// `reserved`: ids of added tokens, whose pieces are out of reach. So is a piece that is one NUL where there
    /// are byte pieces: the library does so in 0.2.3 (up to 0.2.1 it gave InternLM2's id 354).
    init(
        _ model: SentencePieceModel, reserved: (Int) -> Bool, file: String
    ) throws(TokenizerError) {
        pieces = model.pieces
        table = ByteStringTable(capacity: pieces.count)
        for (id, piece) in pieces.enumerated() {
            guard !piece.text.isEmpty else { throw .malformed(file: file, reason: "piece \(id) is empty") }
            let isText =
                [.normal, .userDefined, .unused].contains(piece.kind) && !reserved(id)
                && !(model.usesByteFallback && piece.text == [0])
            guard table.insert(piece.text, id: id, searchable: isText) == .inserted else {
                throw .duplicateToken(file: file, token: String(decoding: piece.text, as: UTF8.self))
            }
        }
        let scores = Set(pieces.map(\.score)).sorted(by: >)
        let rankByScore = Dictionary(uniqueKeysWithValues: zip(scores, UInt32(0)...))
        ranks = pieces.map { rankByScore[$0.score] ?? .max }
    }

    func id(of piece: ArraySlice<UInt8>) -> Int? {
        table.id(of: piece)
    }

    /// Rank and kind of the piece that two neighbours make, nil when they make none.
    func merge(_ whole: ArraySlice<UInt8>) -> (rank: UInt32, isUnused: Bool)? {
        table.id(of: whole).map { (ranks[$0], pieces[$0].kind == .unused) }
    }
}

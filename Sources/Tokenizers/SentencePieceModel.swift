/// The parts of a SentencePiece `tokenizer.model` that encoding needs (sentencepiece_model.proto).
struct SentencePieceModel: Sendable {
    static let limit = 64 << 20

    enum Kind: UInt64 {
        case normal = 1, unknown, control, userDefined, unused, byte
    }

    struct Piece: Sendable {
        var text: [UInt8] = []
        var score: Float = 0
        var kind = Kind.normal
    }

    var pieces: [Piece] = []
    /// 1 is unigram, 2 is BPE.
    var modelType: UInt64 = 1
    var unknownID = 0
    var beginOfSequenceID = 1
    var usesByteFallback = false
    var spaceIsSuffix = false
    var addsDummyPrefix = true
    var removesExtraSpaces = true
    var escapesSpaces = true
    var characterMap: ArraySlice<UInt8> = []

    /// Reads the file's bytes and checks that they are a BPE model.
    static func parse(_ bytes: [UInt8], file: String) throws(TokenizerError) -> SentencePieceModel {
        var model = SentencePieceModel()
        do throws(ProtobufReader.Failure) {
            var reader = ProtobufReader(bytes[...])
            while let field = try reader.next() {
                guard case .bytes(let message) = field.value else { continue }
                switch field.number {
                case 1: model.pieces.append(try piece(message))
                case 2: try model.readTrainer(message)
                case 3: try model.readNormalizer(message)
                default: break
                }
            }
        } catch {
            throw .malformed(file: file, reason: "not a SentencePiece model: broken at byte \(error.offset)")
        }
        guard !model.pieces.isEmpty else {
            throw .malformed(file: file, reason: "a SentencePiece model without pieces")
        }
        guard model.modelType == 2 else {
            throw .unsupported(
                file: file, part: "SentencePiece model type", value: "\(model.modelType) (not BPE)")
        }
        return model
    }

    private static func piece(_ message: ArraySlice<UInt8>) throws(ProtobufReader.Failure) -> Piece {
        var piece = Piece()
        var reader = ProtobufReader(message)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let text)): piece.text = Array(text)
            case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
            case (3, .varint(let kind)): piece.kind = Kind(rawValue: kind) ?? .unused
            default: break
            }
        }
        return piece
    }

    private mutating func readTrainer(_ message: ArraySlice<UInt8>) throws(ProtobufReader.Failure) {
        var reader = ProtobufReader(message)
        while let field = try reader.next() {
            guard case .varint(let value) = field.value else { continue }
            switch field.number {
            case 3: modelType = value
            case 24: spaceIsSuffix = value != 0
            case 35: usesByteFallback = value != 0
            case 40: unknownID = Int(truncatingIfNeeded: value)
            case 41: beginOfSequenceID = Int(truncatingIfNeeded: value)
            default: break
            }
        }
    }

    private mutating func readNormalizer(_ message: ArraySlice<UInt8>) throws(ProtobufReader.Failure) {
        var reader = ProtobufReader(message)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (2, .bytes(let map)): characterMap = map
            case (3, .varint(let value)): addsDummyPrefix = value != 0
            case (4, .varint(let value)): removesExtraSpaces = value != 0
            case (5, .varint(let value)): escapesSpaces = value != 0
            default: break
            }
        }
    }
}

/// One text while its symbols are merged: best rank first, leftmost among equals.
struct SentencePieceMerging {
    private let text: [UInt8]
    private let vocabulary: SentencePieceVocabulary
    /// Start of each symbol in `text`.
    private var starts: [Int] = []
    /// Lengths in bytes.
    private var lengths: [Int] = []
    /// User-defined symbols are never merged.
    private var isFrozen: [Bool] = []
    private var list = SymbolList()
    private var queue = MergeQueue()
    /// How pieces that are marked as unused would be put together, the first way that was seen.
    private var leftLengths: [ArraySlice<UInt8>: Int] = [:]

    init(_ text: [UInt8], _ vocabulary: SentencePieceVocabulary, userDefined: PrefixMatcher) {
        self.text = text
        self.vocabulary = vocabulary
        var start = 0
        while start < text.count {
            let match = userDefined.longestMatch(in: text, at: start)
            let length = match ?? SentencePieceNormalizer.characterLength(at: start, in: text)
            starts.append(start)
            lengths.append(length)
            isFrozen.append(match != nil)
            start += length
        }
        for _ in starts { list.append(0) }
        merge()
    }

    /// The symbols that remain, in order.
    func forEachSymbol(_ body: (ArraySlice<UInt8>) -> Void) {
        for index in starts.indices where list.isAlive(index) {
            body(text[starts[index]..<starts[index] + lengths[index]])
        }
    }

    /// The two symbols that an unused piece was made of.
    func parts(of piece: ArraySlice<UInt8>) -> (left: ArraySlice<UInt8>, right: ArraySlice<UInt8>)? {
        leftLengths[piece].map { (piece.prefix($0), piece.dropFirst($0)) }
    }

    private mutating func merge() {
        for index in starts.indices.dropLast() { push(index, index + 1) }
        while let (popped, left) = queue.popFirst() {
            guard list.isAlive(left), let right = list.next(left), !isFrozen[left], !isFrozen[right],
                vocabulary.merge(whole(left, right))?.rank == popped
            else { continue }  // one of the two has been merged since
            lengths[left] += lengths[right]
            list.merge(left, with: right, to: 0)
            push(list.previous(left), left)
            push(left, list.next(left))
        }
    }

    private mutating func push(_ left: Int?, _ right: Int?) {
        guard let left, let right, !isFrozen[left], !isFrozen[right] else { return }
        let whole = whole(left, right)
        guard let found = vocabulary.merge(whole) else { return }
        if found.isUnused, leftLengths[whole] == nil { leftLengths[whole] = lengths[left] }
        queue.push(rank: found.rank, index: left)
    }

    private func whole(_ left: Int, _ right: Int) -> ArraySlice<UInt8> {
        text[starts[left]..<starts[left] + lengths[left] + lengths[right]]
    }
}

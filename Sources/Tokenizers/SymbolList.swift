/// A doubly linked list of symbols over arrays; a merged-away symbol is marked by -1.
struct SymbolList {
    private(set) var symbols: [Int32] = []
    private var nextIndex: [Int32] = []
    private var previousIndex: [Int32] = []

    /// Empty, with room for so many symbols at once.
    init(capacity: Int = 0) {
        symbols.reserveCapacity(capacity)
        nextIndex.reserveCapacity(capacity)
        previousIndex.reserveCapacity(capacity)
    }

    /// Starts anew, in the memory of the list before.
    mutating func removeAll() {
        symbols.removeAll(keepingCapacity: true)
        nextIndex.removeAll(keepingCapacity: true)
        previousIndex.removeAll(keepingCapacity: true)
    }

    mutating func append(_ symbol: Int32) {
        let index = Int32(symbols.count)
        if index > 0 { nextIndex[Int(index) - 1] = index }
        symbols.append(symbol)
        nextIndex.append(-1)
        previousIndex.append(index - 1)
    }

    func isAlive(_ index: Int) -> Bool { symbols[index] >= 0 }
    func next(_ index: Int) -> Int? { nextIndex[index] < 0 ? nil : Int(nextIndex[index]) }
    func previous(_ index: Int) -> Int? { previousIndex[index] < 0 ? nil : Int(previousIndex[index]) }

    mutating func merge(_ index: Int, with right: Int, to symbol: Int32) {
        symbols[index] = symbol
        symbols[right] = -1
        let after = nextIndex[right]
        nextIndex[index] = after
        if after >= 0 { previousIndex[Int(after)] = Int32(index) }
    }
}

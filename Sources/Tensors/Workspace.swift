/// Scratch memory for the matrices of one forward pass: taken in order, given back all at once, kept for
/// the next pass, so that the steady state allocates nothing. Owned by one thread.
public final class Workspace: @unchecked Sendable {
    private var blocks: [(pointer: UnsafeMutablePointer<Float>, count: Int)] = []
    private var block = 0
    private var used = 0
    private static let blockElements = 4 << 20

    public init() {}

    deinit {
        for block in blocks { AlignedMemory.free(block.pointer) }
    }

    /// Bytes held, used or not.
    public var capacity: Int { blocks.reduce(0) { $0 + $1.count } * MemoryLayout<Float>.stride }

    /// Runs `body`; matrices taken inside end with it.
    public func scope<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let (savedBlock, savedUsed) = (block, used)
        defer { (block, used) = (savedBlock, savedUsed) }
        return try body()
    }

    /// A matrix `[rows, columns]`, not cleared, valid until the enclosing scope ends.
    public func matrix(_ rows: Int, _ columns: Int) -> Matrix {
        Matrix(
            pointer: memory(of: Float.self, rows * columns), rows: rows, columns: columns, stride: columns,
            owner: nil)
    }

    /// Memory for `count` elements, not initialized, valid until the enclosing scope ends.
    public func memory<Element: BitwiseCopyable>(
        of type: Element.Type, _ count: Int
    ) -> UnsafeMutablePointer<Element> {
        let floats = (count * MemoryLayout<Element>.stride + 3) / 4
        return UnsafeMutableRawPointer(take(floats)).bindMemory(to: type, capacity: count)
    }

    /// Each piece starts on a cache line.
    private func take(_ floats: Int) -> UnsafeMutablePointer<Float> {
        let count = (floats + 15) & ~15
        while true {
            if block < blocks.count {
                if blocks[block].count - used >= count {
                    let pointer = blocks[block].pointer + used
                    used += count
                    return pointer
                }
                block += 1
                used = 0
            } else {
                let size = max(count, Self.blockElements)
                blocks.append((AlignedMemory.allocate(size), size))
            }
        }
    }
}

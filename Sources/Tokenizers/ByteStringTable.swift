/// Byte strings to ids and back. Keys are bytes because Swift's `String` equality is canonical equivalence,
/// which would join tokens that a vocabulary tells apart. Open addressing, linear probing, load at most 1/2.
struct ByteStringTable: Sendable {
    private var blob: [UInt8] = []
    /// Start and length in `blob` by id; length -1 where the id has no bytes.
    private var entries: [(start: Int32, length: Int32)] = []
    /// Id + 1 of the key that hashes here, 0 when free.
    private var slots: [Int32]
    private var used = 0

    /// `capacity`: how many keys are expected.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = [Int32](repeating: 0, count: size)
        entries.reserveCapacity(capacity)
    }

    /// One more than the largest id.
    var idEnd: Int { entries.count }

    func bytes(of id: Int) -> ArraySlice<UInt8>? {
        guard entries.indices.contains(id), entries[id].length >= 0 else { return nil }
        let start = Int(entries[id].start)
        return blob[start..<start + Int(entries[id].length)]
    }

    enum Insertion { case inserted, duplicateKey, duplicateID }

    /// `searchable`: false where the bytes only serve `bytes(of:)`.
    mutating func insert(_ key: some Collection<UInt8>, id: Int, searchable: Bool = true) -> Insertion {
        if bytes(of: id) != nil { return .duplicateID }
        if searchable, self.id(of: key) != nil { return .duplicateKey }
        while entries.count <= id { entries.append((0, -1)) }
        entries[id] = (Int32(blob.count), Int32(key.count))
        blob.append(contentsOf: key)
        if searchable {
            if (used + 1) * 2 > slots.count { grow() }
            slots[freeSlot(for: key)] = Int32(id + 1)
            used += 1
        }
        return .inserted
    }

    func id(of key: some Collection<UInt8>) -> Int? {
        var slot = Self.hash(key) & (slots.count - 1)
        while slots[slot] != 0 {
            let id = Int(slots[slot] - 1)
            let entry = entries[id]
            if Int(entry.length) == key.count {
                let start = Int(entry.start)
                if blob[start..<start + Int(entry.length)].elementsEqual(key) { return id }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func freeSlot(for key: some Collection<UInt8>) -> Int {
        var slot = Self.hash(key) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    private mutating func grow() {
        let ids = slots.filter { $0 != 0 }
        slots = [Int32](repeating: 0, count: slots.count * 2)
        for id in ids {
            guard let key = bytes(of: Int(id - 1)) else { continue }
            slots[freeSlot(for: key)] = id
        }
    }

    /// FNV-1a, its high bits folded in.
    private static func hash(_ key: some Collection<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: (hash ^ hash >> 32) & 0x7FFF_FFFF)
    }
}

/// Packs changed contents with right checksums, so that changes reach what lies within.
enum Containers {
    /// A gzip file of stored blocks.
    static func gzip(_ content: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        var start = 0
        repeat {
            let end = min(content.count, start + 65535)
            out.append(end == content.count ? 1 : 0)
            out += little(end - start, 2) + little(~(end - start), 2) + content[start..<end]
            start = end
        } while start < content.count
        return out + little(Int(checksum(content)), 4) + little(content.count, 4)
    }

    /// A zip file of stored entries.
    static func zip(_ entries: [(name: [UInt8], content: [UInt8])]) -> [UInt8] {
        var out: [UInt8] = []
        var directory: [UInt8] = []
        for (name, content) in entries {
            let sizes = little(Int(checksum(content)), 4) + little(content.count, 4) + little(content.count, 4)
            let fields = little(0, 8) + sizes + little(name.count, 2) + little(0, 2)
            directory += [0x50, 0x4B, 1, 2, 0, 0] + [0, 0] + fields + little(0, 10) + little(out.count, 4) + name
            out += [0x50, 0x4B, 3, 4, 0, 0] + fields + name + content
        }
        let end =
            little(entries.count, 2) + little(entries.count, 2) + little(directory.count, 4) + little(out.count, 4)
        return out + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + end + [0, 0]
    }

    /// The entries of a valid zip file, by its directory; `nil` when it is none.
    static func entries(_ zip: [UInt8]) -> [(name: [UInt8], content: [UInt8])]? {
        func number(_ at: Int, _ count: Int) -> Int { (0..<count).reversed().reduce(0) { $0 << 8 | Int(zip[at + $1]) } }
        var entries: [(name: [UInt8], content: [UInt8])] = []
        // Seeds are small, so that their 32-bit fields hold.
        guard let end = (0...max(0, zip.count - 22)).last(where: { zip[$0...].starts(with: [0x50, 0x4B, 5, 6]) }) else {
            return nil
        }
        var position = number(end + 16, 4)
        while position + 46 <= end, number(position, 4) == 0x0201_4B50 {
            let name = Array(zip[position + 46..<position + 46 + number(position + 28, 2)])
            let local = number(position + 42, 4)
            let start = local + 30 + number(local + 26, 2) + number(local + 28, 2)
            entries.append((name, Array(zip[start..<start + number(position + 24, 4)])))
            position += 46 + name.count + number(position + 30, 2) + number(position + 32, 2)
        }
        return entries
    }

    private static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> (8 * $0)) : 0 }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
    }
}

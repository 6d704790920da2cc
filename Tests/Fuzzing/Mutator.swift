/// Changes valid files into ones that are nearly valid.
struct Mutator {
    /// Where readers compare and where numbers overflow.
    private static let edges: [UInt64] = [
        0, 1, 2, 3, 127, 128, 255, 256, 32767, 65535, 65536, 1 << 31 - 1, 1 << 31, 1 << 32 - 1, 1 << 32, 1 << 62,
        1 << 63 - 1, 1 << 63, .max, .max - 1,
    ]
    /// Opcodes of pickles, tags of protobuf, punctuation of JSON, digits.
    private static let words =
        Array("().012FILNPRSVabcdgilptBCGJKMQTUX]ehjoqr}su{}[]:,\"\\-9\n/#%".utf8) + (0x80...0x98)

    static func mutated(_ bytes: [UInt8], _ others: [[UInt8]], _ generator: inout Generator) -> [UInt8] {
        var bytes = bytes
        for _ in 0...generator.below(4) {
            guard !bytes.isEmpty else { return [UInt8(truncatingIfNeeded: generator.next())] }
            change(&bytes, others, &generator)
        }
        return bytes
    }

    /// A number near where readers compare, or any.
    static func number(_ generator: inout Generator) -> UInt64 {
        switch generator.below(4) {
        case 0: generator.next()
        case 1: UInt64(generator.below(300))
        default: generator.element(edges) &+ UInt64(generator.below(3)) &- 1
        }
    }

    private static func change(_ bytes: inout [UInt8], _ others: [[UInt8]], _ generator: inout Generator) {
        let at = generator.below(bytes.count)
        let length = 1 + generator.below(min(bytes.count - at, 1 << generator.below(10)))
        switch generator.below(13) {
        case 0, 1: bytes[at] ^= 1 << UInt8(generator.below(8))
        case 2: bytes[at] = UInt8(truncatingIfNeeded: generator.next())
        case 3, 4: bytes[at] = generator.element(words)
        case 5: bytes[at] &+= UInt8(truncatingIfNeeded: generator.below(9) - 4)
        case 6: bytes.removeSubrange(at...)
        case 7: bytes.removeSubrange(at..<at + length)
        case 8:
            let piece = Array(bytes[at..<at + length])
            for _ in 0...generator.below(3) { bytes.insert(contentsOf: piece, at: at) }
        case 9:
            // The end of another file, or its beginning.
            let other = generator.element(others)
            let cut = generator.below(other.count + 1)
            bytes =
                generator.below(2) == 0
                ? Array(bytes[..<at]) + Array(other[cut...]) : Array(other[..<cut]) + Array(bytes[at...])
        case 10:
            let other = generator.element(others)
            let start = generator.below(max(1, other.count))
            bytes.insert(contentsOf: other[start..<min(other.count, start + length)], at: generator.below(bytes.count))
        default:
            // A number of 1 to 8 bytes, often a length, at an edge or near the file's size.
            let size = 1 << generator.below(4)
            var value = generator.element(edges)
            if generator.below(3) == 0 { value = UInt64(bytes.count + 4 - min(bytes.count, generator.below(9))) }
            for place in at..<min(at + size, bytes.count) {
                bytes[place] = UInt8(truncatingIfNeeded: value)
                value >>= 8
            }
        }
    }
}

/// Writes tar archives (POSIX ustar), the honest ones and the others.
public struct TarWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// - Parameters:
    ///   - kind: the header's type flag: `0` a file, `1` a hard link, `2` a symbolic link, `3` a device, `5` a folder.
    ///   - claimed: what the header says the size is; `nil` for the truth.
    public mutating func add(
        _ name: String, _ content: [UInt8] = [], kind: Character = "0", target: String = "", claimed: Int? = nil
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (i, byte) in text.utf8.enumerated() { header[offset + i] = byte }
        }
        func octal(_ value: Int, digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        put(String(name.prefix(100)), at: 0)
        put("0000644", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(octal(claimed ?? content.count, digits: 11), at: 124)
        put("00000000000", at: 136)
        put("        ", at: 148)
        put(String(kind), at: 156)
        put(target, at: 157)
        put("ustar", at: 257)
        put("00", at: 263)
        put(octal(header.reduce(0) { $0 + Int($1) }, digits: 6), at: 148)
        header[154] = 0
        bytes += header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// With the two empty blocks that end an archive.
    public var archive: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
    public var gzipped: [UInt8] { gzip(archive) }
}

/// `bytes` as a gzip file (RFC 1952) whose deflate blocks are stored as they are.
public func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    var rest = bytes[...]
    repeat {
        let block = rest.prefix(65535)
        rest = rest.dropFirst(block.count)
        let count = UInt16(block.count)
        out.append(rest.isEmpty ? 1 : 0)
        for value in [count, ~count] { out += [UInt8(value & 255), UInt8(value >> 8)] }
        out += block
    } while !rest.isEmpty
    for value in [crc32(bytes), UInt32(truncatingIfNeeded: bytes.count)] {
        for i in 0..<4 { out.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * i))) }
    }
    return out
}

/// Bit by bit: an archive of a test is small.
private func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 {
            let low = crc & 1
            crc >>= 1
            if low == 1 { crc ^= 0xEDB8_8320 }
        }
    }
    return ~crc
}

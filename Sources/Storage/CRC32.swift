/// CRC-32 as in zip, gzip and PNG (ISO 3309): reflected polynomial 0xEDB88320, start and end inverted.
public struct CRC32: Sendable {
    private var state: UInt32 = ~0

    public init() {}

    /// The checksum of everything taken so far.
    public var value: UInt32 { ~state }

    public mutating func take(_ bytes: UnsafeRawBufferPointer) { state = Self.table.advance(state, over: bytes) }

    /// The checksum of `bytes` alone.
    public static func of(_ bytes: [UInt8]) -> UInt32 {
        var crc = CRC32()
        bytes.withUnsafeBytes { crc.take($0) }
        return crc.value
    }

    private static let table = CRCTable(polynomial: 0xEDB8_8320)
}

/// A reflected CRC of 32 bits, eight bytes at a time by tables ("slicing by eight", Kounavis and Berry 2005), the same on
/// every processor.
struct CRCTable: Sendable {
    /// Table k at 256·k: what a byte that is followed by k zero bytes adds.
    private let tables: [UInt32]

    init(polynomial: UInt32) {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ polynomial : crc >> 1 }
            tables[byte] = crc
        }
        for k in 1..<8 {
            for byte in 0..<256 {
                let before = tables[(k - 1) * 256 + byte]
                tables[k * 256 + byte] = tables[Int(before & 0xFF)] ^ before >> 8
            }
        }
        self.tables = tables
    }

    /// The state after `bytes`, when it was `state` before them.
    func advance(_ state: UInt32, over bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc = state
        var offset = 0
        tables.withUnsafeBufferPointer { t in
            while offset + 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let low = UInt32(truncatingIfNeeded: word) ^ crc
                let high = UInt32(truncatingIfNeeded: word >> 32)
                let a = t[1792 + Int(low & 0xFF)] ^ t[1536 + Int(low >> 8 & 0xFF)]
                let b = t[1280 + Int(low >> 16 & 0xFF)] ^ t[1024 + Int(low >> 24)]
                let c = t[768 + Int(high & 0xFF)] ^ t[512 + Int(high >> 8 & 0xFF)]
                let d = t[256 + Int(high >> 16 & 0xFF)] ^ t[Int(high >> 24)]
                crc = (a ^ b) ^ (c ^ d)
                offset += 8
            }
            while offset < bytes.count {
                crc = t[Int((crc ^ UInt32(bytes[offset])) & 0xFF)] ^ crc >> 8
                offset += 1
            }
        }
        return crc
    }
}

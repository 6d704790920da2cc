/// CRC-32C (Castagnoli), as in iSCSI (RFC 3720) and ext4: reflected polynomial 0x82F63B78, start and end inverted.
///
/// Eight bytes at a time by tables ("slicing by eight", Kounavis and Berry 2005), the same on every processor.
public struct CRC32C: Sendable {
    private var state: UInt32 = ~0

    public init() {}

    /// The checksum of everything taken so far.
    public var value: UInt32 { ~state }

    public mutating func take(_ bytes: UnsafeRawBufferPointer) {
        let tables = Self.tables
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
        state = crc
    }

    public mutating func take(_ bytes: [UInt8]) { bytes.withUnsafeBytes { take($0) } }

    /// The checksum of `bytes` alone.
    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc = CRC32C()
        crc.take(bytes)
        return crc.value
    }

    public static func of(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { of($0) } }

    /// Table k at 256·k: what a byte that is followed by k zero bytes adds.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            tables[byte] = crc
        }
        for k in 1..<8 {
            for byte in 0..<256 {
                let before = tables[(k - 1) * 256 + byte]
                tables[k * 256 + byte] = tables[Int(before & 0xFF)] ^ before >> 8
            }
        }
        return tables
    }()
}

/// CRC-32C (Castagnoli), as in iSCSI (RFC 3720) and ext4: reflected polynomial 0x82F63B78, start and end inverted.
public struct CRC32C: Sendable {
    private var state: UInt32 = ~0

    public init() {}

    /// The checksum of everything taken so far.
    public var value: UInt32 { ~state }

    public mutating func take(_ bytes: UnsafeRawBufferPointer) { state = Self.table.advance(state, over: bytes) }

    public mutating func take(_ bytes: [UInt8]) { bytes.withUnsafeBytes { take($0) } }

    /// The checksum of `bytes` alone.
    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc = CRC32C()
        crc.take(bytes)
        return crc.value
    }

    public static func of(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { of($0) } }

    private static let table = CRCTable(polynomial: 0x82F6_3B78)
}

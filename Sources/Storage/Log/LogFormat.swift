/// The bytes of a log segment.
///
///     segment  magic "zoetlog1" (8) · number of its first record (u64) · CRC-32C of these 16 bytes (u32) · record*
///     record   length (u32) · batch (u32) · CRC-32C of length, batch and payload (u32) · payload
///
/// All little endian. A batch is what one flush made durable; batches count from 1 over the whole log.
enum LogFormat {
    static let magic = Array("zoetlog1".utf8)
    static let headerSize = 20
    static let recordHeaderSize = 12
    /// No record is larger: a length beyond it is damage.
    static let largestRecord = 16 << 20

    static func header(firstRecord: UInt64) -> [UInt8] {
        var bytes = magic
        append(firstRecord, to: &bytes)
        append(CRC32C.of(bytes), to: &bytes)
        return bytes
    }

    /// The number of the first record, or `nil` when the header is not whole.
    static func firstRecord(of segment: UnsafeRawBufferPointer) -> UInt64? {
        guard segment.count >= headerSize, segment[..<8].elementsEqual(magic),
            CRC32C.of(UnsafeRawBufferPointer(rebasing: segment[..<16])) == word(segment, 16)
        else { return nil }
        return UInt64(littleEndian: segment.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    static func append(record payload: [UInt8], batch: UInt32, to bytes: inout [UInt8]) {
        var head: [UInt8] = []
        append(UInt32(payload.count), to: &head)
        append(batch, to: &head)
        var crc = CRC32C()
        crc.take(head)
        crc.take(payload)
        append(crc.value, to: &head)
        bytes += head
        bytes += payload
    }

    /// The record at `offset` when it is whole: its batch and where its payload lies.
    static func record(_ segment: UnsafeRawBufferPointer, at offset: Int) -> (batch: UInt32, payload: Range<Int>)? {
        guard segment.count - offset >= recordHeaderSize else { return nil }
        let length = Int(word(segment, offset))
        let start = offset + recordHeaderSize
        guard length <= largestRecord, segment.count - start >= length else { return nil }
        var crc = CRC32C()
        crc.take(UnsafeRawBufferPointer(rebasing: segment[offset..<offset + 8]))
        crc.take(UnsafeRawBufferPointer(rebasing: segment[start..<start + length]))
        guard crc.value == word(segment, offset + 8) else { return nil }
        return (word(segment, offset + 4), start..<start + length)
    }

    /// Where a whole record of a batch later than `batch` starts behind `offset`: proof that what stands at `offset`
    /// was flushed once and is damaged now, and not the torn end of the last write.
    static func laterRecord(_ segment: UnsafeRawBufferPointer, after offset: Int, batch: UInt32) -> Int? {
        var candidate = offset + 1
        while candidate + recordHeaderSize <= segment.count {
            let found = word(segment, candidate + 4)
            if found > batch, found - batch < 1 << 24, record(segment, at: candidate) != nil { return candidate }
            candidate += 1
        }
        return nil
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }
}

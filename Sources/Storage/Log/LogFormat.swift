/// The bytes of a log segment.
///
///     segment  header · record*
///     header   magic "zoetlog1" (8) · number of its first record (u64) · CRC-32C of these 16 bytes (u32)
///         or   magic "zoetlog2" (8) · number of its first record (u64) · generation of its writer (u64) · last batch
///              before it (u32) · CRC-32C of these 28 bytes (u32)
///     record   length (u32) · batch (u32) · CRC-32C of length, batch and payload (u32) · payload
///
/// All little endian. A batch is what one flush made durable; batches count from 1 over the whole log. Logs with one
/// writer at a time have the first header, those whose writers take over from each other the second.
enum LogFormat {
    static let recordHeaderSize = 12
    /// No record is larger: a length beyond it is damage.
    static let largestRecord = 16 << 20

    /// What stands before a segment's records.
    struct Header: Equatable {
        var firstRecord: UInt64
        /// 0 in a log with one writer at a time.
        var generation: UInt64
        /// The last batch before the segment; `nil` where the header does not say.
        var batch: UInt32?

        var size: Int { Self.size(generation: generation) }

        static func size(generation: UInt64) -> Int { generation == 0 ? 20 : 32 }
        static let largest = 32

        var bytes: [UInt8] {
            var bytes = generation == 0 ? Self.magic1 : Self.magic2
            append(firstRecord, to: &bytes)
            if generation > 0 {
                append(generation, to: &bytes)
                append(batch ?? 0, to: &bytes)
            }
            append(CRC32C.of(bytes), to: &bytes)
            return bytes
        }

        private static let magic1 = Array("zoetlog1".utf8)
        private static let magic2 = Array("zoetlog2".utf8)

        init(firstRecord: UInt64, generation: UInt64, batch: UInt32?) {
            self.firstRecord = firstRecord
            self.generation = generation
            self.batch = batch
        }

        /// `nil` when the header is not whole.
        init?(of segment: UnsafeRawBufferPointer) {
            guard segment.count >= 8 else { return nil }
            let isSecond = segment[..<8].elementsEqual(Self.magic2)
            let size = isSecond ? 32 : 20
            guard isSecond || segment[..<8].elementsEqual(Self.magic1), segment.count >= size,
                CRC32C.of(UnsafeRawBufferPointer(rebasing: segment[..<(size - 4)])) == word(segment, size - 4)
            else { return nil }
            firstRecord = UInt64(littleEndian: segment.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            generation =
                isSecond ? UInt64(littleEndian: segment.loadUnaligned(fromByteOffset: 16, as: UInt64.self)) : 0
            batch = isSecond ? word(segment, 24) : nil
        }
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

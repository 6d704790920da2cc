import CZlib
package import Faults

/// Writes a zip of stored (uncompressed) entries, each one's bytes at a multiple of `alignment`; ZIP64 where the sizes need
/// it (PKWARE APPNOTE 6.3.10). Times are zip's zero, so that the same entries give the same bytes.
package final class ZipWriter {
    private struct Entry {
        var name: [UInt8]
        var crc: UInt32
        var size: Int
        /// Of its local header.
        var offset: Int
    }

    private let file: SequentialFile
    private let alignment: Int
    private let largest: Int
    private var entries: [Entry] = []

    /// - Parameter largest: sizes and offsets from this one on stand in ZIP64 records.
    package init(_ path: String, alignment: Int, largest: Int = ZipWriter.absent) throws(Fault) {
        file = try SequentialFile(path)
        self.alignment = alignment
        self.largest = largest
    }

    package func add(_ name: String, _ bytes: [UInt8]) throws(Fault) {
        let checksum = bytes.withUnsafeBufferPointer { UInt32(crc32_z(0, $0.baseAddress, $0.count)) }
        let entry = Entry(name: Array(name.utf8), crc: checksum, size: bytes.count, offset: file.count)
        entries.append(entry)
        var extra = isLarge(entry.size) ? Self.extraField(0x0001, Self.twice(littleEndianBytes(entry.size))) : []
        let end = file.count + 30 + entry.name.count + extra.count + 4
        // As torch pads: an extra field of its own, filled with Z.
        extra += Self.extraField(0x4246, [UInt8](repeating: 0x5A, count: (alignment - end % alignment) % alignment))
        try file.append(littleEndianBytes(UInt32(0x0403_4B50)) + common(entry, extra.count) + entry.name + extra)
        try withBytes(bytes) { (raw) throws(Fault) in try file.append(raw) }
    }

    /// Writes the directory and gives the file its name.
    package func finish() throws(Fault) {
        let start = file.count
        for entry in entries { try file.append(directoryEntry(entry)) }
        let size = file.count - start
        if isLarge(start) || isLarge(size) || entries.count >= Self.absent16 {
            try file.append(largeEnd(start: start, size: size))
        }
        var end = littleEndianBytes(UInt32(0x0605_4B50))
        end += littleEndianBytes(UInt32(0))  // disks
        end += Self.twice(littleEndianBytes(UInt16(min(entries.count, Self.absent16))))
        end += field(size) + field(start)
        end += littleEndianBytes(UInt16(0))  // comment
        try file.append(end)
        try file.commit()
    }

    /// What stands in a field of 32 bits when the number is in a ZIP64 record, and in one of 16.
    package static let absent = 0xFFFF_FFFF
    private static let absent16 = 0xFFFF

    private func isLarge(_ number: Int) -> Bool { number >= largest }

    /// A field of 32 bits.
    private func field(_ number: Int) -> [UInt8] {
        littleEndianBytes(UInt32(isLarge(number) ? Self.absent : number))
    }

    /// From "version needed" to the lengths of name and extra fields: the same in both headers of an entry.
    private func common(_ entry: Entry, _ extraCount: Int) -> [UInt8] {
        var bytes = littleEndianBytes(UInt16(isLarge(entry.size) || isLarge(entry.offset) ? 45 : 20))
        bytes += littleEndianBytes(UInt16(0x0800))  // names are UTF-8
        bytes += littleEndianBytes(UInt16(0))  // stored
        bytes += littleEndianBytes(UInt16(0))  // 0:00:00
        bytes += littleEndianBytes(UInt16(0x0021))  // 1 January 1980
        bytes += littleEndianBytes(entry.crc)
        bytes += Self.twice(field(entry.size))
        bytes += littleEndianBytes(UInt16(entry.name.count)) + littleEndianBytes(UInt16(extraCount))
        return bytes
    }

    private func directoryEntry(_ entry: Entry) -> [UInt8] {
        var large: [UInt8] = []
        if isLarge(entry.size) { large += Self.twice(littleEndianBytes(entry.size)) }
        if isLarge(entry.offset) { large += littleEndianBytes(entry.offset) }
        let extra = large.isEmpty ? [] : Self.extraField(0x0001, large)
        var bytes = littleEndianBytes(UInt32(0x0201_4B50))
        bytes += littleEndianBytes(UInt16(45))  // made by
        bytes += common(entry, extra.count)
        bytes += littleEndianBytes(UInt16(0))  // comment
        bytes += littleEndianBytes(UInt16(0))  // disk
        bytes += littleEndianBytes(UInt16(0))  // internal attributes
        bytes += littleEndianBytes(UInt32(0))  // external attributes
        bytes += field(entry.offset)
        return bytes + entry.name + extra
    }

    /// The end of the directory in 64 bits, and the record that says where that is.
    private func largeEnd(start: Int, size: Int) -> [UInt8] {
        var bytes = littleEndianBytes(UInt32(0x0606_4B50))
        bytes += littleEndianBytes(UInt64(44))  // bytes that follow
        bytes += Self.twice(littleEndianBytes(UInt16(45)))
        bytes += littleEndianBytes(UInt64(0))  // disks
        bytes += Self.twice(littleEndianBytes(UInt64(entries.count)))
        bytes += littleEndianBytes(UInt64(size)) + littleEndianBytes(UInt64(start))
        bytes += littleEndianBytes(UInt32(0x0706_4B50))
        bytes += littleEndianBytes(UInt32(0))
        bytes += littleEndianBytes(UInt64(start + size))
        bytes += littleEndianBytes(UInt32(1))
        return bytes
    }

    private static func extraField(_ number: UInt16, _ content: [UInt8]) -> [UInt8] {
        littleEndianBytes(number) + littleEndianBytes(UInt16(content.count)) + content
    }

    /// Zip has most numbers twice: stored and as it was, on this disk and on all.
    private static func twice(_ bytes: [UInt8]) -> [UInt8] { bytes + bytes }
}

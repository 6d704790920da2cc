import CZlib
import Faults

/// The entries of a zip file, as its central directory names them: stored, whole and apart from each other.
///
/// The format: PKWARE's APPNOTE 6.3, with zip64 and data descriptors; what `torch.save` writes. Compressed and encrypted
/// entries are refused.
struct ZipArchive {
    struct Entry {
        let name: String
        /// Of the local header.
        let header: Int
        /// Of the content in the file.
        let content: Range<Int>
        let checksum: UInt32
    }

    private let source: CheckpointBytes
    let entries: [Entry]

    static func recognises(_ source: CheckpointBytes) -> Bool {
        source.starts(with: [0x50, 0x4B, 3, 4]) || source.starts(with: [0x50, 0x4B, 5, 6])
    }

    init(_ source: CheckpointBytes) throws(Fault) {
        self.source = source
        let directory = try ZipDirectory(source)
        var entries: [Entry] = []
        var names: Set<String> = []
        var position = directory.range.lowerBound
        for _ in 0..<directory.count {
            let (entry, next) = try Self.entry(source, position, directory)
            guard names.insert(entry.name).inserted else {
                throw source.damaged(position, "a second entry '\(entry.name)' in the zip file")
            }
            entries.append(entry)
            position = next
        }
        guard position == directory.range.upperBound else {
            throw source.damaged(position, "the zip file's directory has bytes that belong to no entry")
        }
        var end = 0
        for entry in entries.sorted(by: { $0.header < $1.header }) {
            guard entry.header >= end else {
                throw source.damaged(entry.header, "entry '\(entry.name)' overlaps another in the zip file")
            }
            end = entry.content.upperBound
        }
        self.entries = entries
    }

    /// The content of an entry, once its checksum is seen to be right.
    func checked(_ entry: Entry) throws(Fault) -> Range<Int> {
        let sum = source.bytes.withUnsafeBytes { raw in
            entry.content.isEmpty
                ? 0 : crc32_z(0, raw.baseAddress?.advanced(by: entry.content.lowerBound), entry.content.count)
        }
        guard sum == UInt(entry.checksum) else {
            throw source.fault(
                at: entry.content.lowerBound, "entry '\(entry.name)' has another checksum (CRC-32) than stated",
                mend: "fetch or save the file again; after torch.serialization.set_crc32_options(False) save it without"
            )
        }
        return entry.content
    }

    /// One record of the directory and the local header it names; and where the next record begins.
    private static func entry(
        _ source: CheckpointBytes, _ position: Int, _ directory: ZipDirectory
    ) throws(Fault) -> (Entry, Int) {
        let record = ZipFields(source, position, end: directory.range.upperBound)
        guard record.number(0, 4) == 0x0201_4B50, let flags = record.number(8, 2), let method = record.number(10, 2),
            let checksum = record.number(16, 4), let nameLength = record.number(28, 2),
            let extraLength = record.number(30, 2), let commentLength = record.number(32, 2),
            let nameBytes = record.bytes(46, nameLength), let extra = record.range(46 + nameLength, extraLength),
            let next = record.range(46 + nameLength + extraLength, commentLength)?.upperBound
        else { throw source.damaged(position, "an entry of the zip file's directory is cut or none") }
        let name = String(decoding: nameBytes, as: UTF8.self)
        guard flags & 0x2041 == 0 else {
            throw source.fault(at: position, "entry '\(name)' of the zip file is encrypted", mend: "decrypt it first")
        }
        guard method == 0 else {
            throw source.fault(
                at: position, "entry '\(name)' is compressed inside the zip file",
                mend: "unpack it and pack it again without compression (zip -0 -r), as torch.save does")
        }
        guard var stored = record.number(20, 4), var size = record.number(24, 4), var header = record.number(42, 4)
        else {
            throw source.damaged(position, "an entry of the zip file's directory is cut")
        }
        // Zip64's extra field holds, in this order, whatever did not fit.
        var wide = ZipFields(source, extra.lowerBound, end: extra.upperBound).extra(1)?.lowerBound ?? extra.upperBound
        for value in [\ZipSizes.size, \.stored, \.header] {
            var sizes = ZipSizes(size: size, stored: stored, header: header)
            guard sizes[keyPath: value] == 0xFFFF_FFFF else { continue }
            guard let number = ZipFields(source, wide, end: extra.upperBound).number(0, 8) else {
                throw source.damaged(position, "entry '\(name)' lacks its 64-bit sizes")
            }
            sizes[keyPath: value] = number
            (size, stored, header) = (sizes.size, sizes.stored, sizes.header)
            wide += 8
        }
        guard stored == size else { throw source.damaged(position, "entry '\(name)' has two sizes") }
        let content = try localContent(source, name, nameBytes, header: header, size: size, directory)
        return (Entry(name: name, header: header, content: content, checksum: UInt32(checksum)), next)
    }

    /// Where an entry's bytes are: behind a header of its own that says the same name.
    private static func localContent(
        _ source: CheckpointBytes, _ name: String, _ nameBytes: ArraySlice<UInt8>, header: Int, size: Int,
        _ directory: ZipDirectory
    ) throws(Fault) -> Range<Int> {
        let local = ZipFields(source, header, end: directory.range.lowerBound)
        guard local.number(0, 4) == 0x0403_4B50, local.number(8, 2) == 0, let nameLength = local.number(26, 2),
            let extraLength = local.number(28, 2), local.bytes(30, nameLength) == nameBytes,
            let content = local.range(30 + nameLength + extraLength, size)
        else {
            throw source.damaged(
                header, "entry '\(name)' is not where the zip file's directory says, or reaches beyond")
        }
        return content
    }
}

private struct ZipSizes {
    var size: Int
    var stored: Int
    var header: Int
}

/// Where the central directory is, and of how many entries.
struct ZipDirectory {
    let range: Range<Int>
    let count: Int

    init(_ source: CheckpointBytes) throws(Fault) {
        // The end record has 22 bytes and a comment of up to 65535.
        let earliest = max(0, source.count - 22 - 65535)
        var position = source.count - 22
        while position >= earliest, !Self.ends(source, position) { position -= 1 }
        guard position >= earliest else {
            throw source.damaged(source.count, "the zip file has no directory at its end: it is cut")
        }
        let end = ZipFields(source, position, end: source.count)
        guard var count = end.number(10, 2), var size = end.number(12, 4), var start = end.number(16, 4),
            end.number(4, 4) == 0, end.number(8, 2) == count
        else { throw source.damaged(position, "the zip file goes on in other files") }
        var directoryEnd = position
        // Always with torch: a second end record with 64-bit numbers, and a locator of it.
        let locator = ZipFields(source, position - 20, end: position)
        if position >= 20, locator.number(0, 4) == 0x0706_4B50 {
            guard let place = locator.number(8, 8),
                case let wide = ZipFields(source, place, end: position - 20), wide.number(0, 4) == 0x0606_4B50,
                let wideCount = wide.number(32, 8), let wideSize = wide.number(40, 8),
                let wideStart = wide.number(48, 8)
            else { throw source.damaged(position - 20, "the zip file's 64-bit end record is not where it should be") }
            (count, size, start, directoryEnd) = (wideCount, wideSize, wideStart, place)
        }
        let (sum, overflow) = start.addingReportingOverflow(size)
        // A record has at least 46 bytes, so the count is bounded by the file, too.
        guard start >= 0, !overflow, sum <= directoryEnd, count <= size / 46 else {
            throw source.damaged(position, "the zip file's directory of \(count) entries does not fit the file")
        }
        range = start..<sum
        self.count = count
    }

    private static func ends(_ source: CheckpointBytes, _ position: Int) -> Bool {
        guard source.integer(at: position, as: UInt32.self) == 0x0605_4B50,
            let comment = source.integer(at: position + 20, as: UInt16.self)
        else { return false }
        return position + 22 + Int(comment) == source.count
    }
}

/// Little-endian fields at places relative to the beginning of a record.
private struct ZipFields {
    private let source: CheckpointBytes
    private let start: Int
    private let end: Int

    init(_ source: CheckpointBytes, _ start: Int, end: Int) {
        self.source = source
        self.start = start
        self.end = end
    }

    func range(_ offset: Int, _ count: Int) -> Range<Int>? {
        guard start >= 0, start <= end, offset >= 0, count >= 0, offset <= end - start, count <= end - start - offset
        else {
            return nil
        }
        return start + offset..<start + offset + count
    }

    func bytes(_ offset: Int, _ count: Int) -> ArraySlice<UInt8>? { range(offset, count).map { source.bytes[$0] } }

    func number(_ offset: Int, _ count: Int) -> Int? {
        bytes(offset, count).flatMap { Int(exactly: $0.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) }
    }

    /// The content of the extra field with this number.
    func extra(_ wanted: Int) -> Range<Int>? {
        var offset = 0
        while let found = number(offset, 2), let size = number(offset + 2, 2) {
            if found == wanted { return range(offset + 4, size) }
            offset += 4 + size
        }
        return nil
    }
}

extension CheckpointBytes {
    /// The fault of a file that is cut or changed.
    func damaged(_ offset: Int, _ reason: String) -> Fault {
        fault(at: offset, reason, mend: "fetch or save the file again")
    }
}

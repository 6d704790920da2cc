import CArchive
import Faults
import Glibc
import Storage

/// Reads a tar archive from front to back. The owner of libarchive's handle; for one thread.
///
/// libarchive sees expanded bytes only and is given no format but tar, so that no other of its readers meets what
/// strangers made.
final class TarReader {
    struct Entry {
        /// As in the header; `nil` when there is none.
        let name: [UInt8]?
        let kind: EntryRules.Kind
        let size: Int
    }

    private let path: String
    private let source: Source
    private var archive: OpaquePointer?
    private var entries = 0

    /// What libarchive's callback reaches by its address.
    private final class Source {
        let file: ExpandedFile
        var failure: Fault?
        init(_ file: ExpandedFile) { self.file = file }
    }

    init(_ path: String) throws(Fault) {
        self.path = path
        source = Source(try ExpandedFile(path, mostBytes: EntryRules.mostArchiveBytes))
        archive = archive_read_new()
        guard archive != nil else { throw Fault(.internal, path, "libarchive has no memory to read it") }
        archive_read_support_format_tar(archive)
        // Names are taken as bytes: what they mean must not depend on this process's locale.
        archive_read_set_option(archive, "tar", "hdrcharset", "BINARY")
        let status = archive_read_open(
            archive, Unmanaged.passUnretained(source).toOpaque(), nil,
            { _, context, buffer in
                guard let context, let buffer else { return -1 }
                let source = Unmanaged<Source>.fromOpaque(context).takeUnretainedValue()
                do throws(Fault) {
                    let bytes = try source.file.next()
                    buffer.pointee = bytes.baseAddress
                    return bytes.count
                } catch {
                    source.failure = error
                    return -1
                }
            }, nil)
        guard status == ARCHIVE_OK else { throw failure() }
    }

    deinit { archive_read_free(archive) }

    /// The next entry; what was not read of the one before is passed over.
    /// - Returns: `nil` after the last one.
    func next() throws(Fault) -> Entry? {
        var entry: OpaquePointer?
        let status = archive_read_next_header(archive, &entry)
        if status == ARCHIVE_EOF { return nil }
        // A warning means that something of the header was not understood: then none of it is believed.
        guard status == ARCHIVE_OK, let entry else { throw failure() }
        entries += 1
        guard entries <= EntryRules.mostEntries else {
            throw Fault(.data, path, "has more than \(EntryRules.mostEntries) entries")
        }
        let isLink = archive_entry_hardlink(entry) != nil || archive_entry_symlink(entry) != nil
        let kind: EntryRules.Kind =
            if isLink { .link } else if zoetrope_entry_is_file(entry) != 0 {
                .file
            } else if zoetrope_entry_is_folder(entry)
                != 0
            { .folder } else { .special }
        let name = archive_entry_pathname(entry).map { name in
            UnsafeBufferPointer(start: name, count: Int(strlen(name))).map { UInt8(bitPattern: $0) }
        }
        return Entry(name: name, kind: kind, size: Int(archive_entry_size(entry)))
    }

    /// What the archive held so far, out of gzip; never less than what came of it, but for the holes of sparse files.
    var expandedBytes: Int { source.file.expanded }

    /// Reads on in the entry: up to `buffer.count` bytes, 0 at its end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(Fault) -> Int {
        let count = archive_read_data(archive, buffer.baseAddress, buffer.count)
        guard count >= 0 else { throw failure() }
        return count
    }

    /// Reads what follows the archive's end in the file.
    /// - Returns: the SHA-256 of the file.
    /// - Throws: a data `Fault` when its checksum is wrong or it is cut.
    func finish() throws(Fault) -> Digest { try source.file.finish() }

    private func failure() -> Fault {
        if let failure = source.failure { return failure }
        let words = archive_error_string(archive).map { String(cString: $0) } ?? "no reason given"
        return Fault(.data, path, "is damaged: tar says '\(EntryRules.printable(words))'")
    }
}

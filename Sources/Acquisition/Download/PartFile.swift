import Faults
import Glibc
import Storage

/// The beginning of a file that is being fetched, `NAME.part`, and what it is the beginning of, `NAME.part.state`.
///
/// The state is written before the first byte of a version, so a part never meets the state of another version.
final class PartFile {
    let path: String
    private let file: Descriptor
    private(set) var partial: Partial

    static func path(of file: String) -> String { file + ".part" }
    private static func statePath(of file: String) -> String { file + ".part.state" }
    private let statePath: String

    init(of name: String) throws(Fault) {
        path = Self.path(of: name)
        statePath = Self.statePath(of: name)
        file = try Descriptor(path, O_RDWR | O_CREAT)
        let fields =
            (try? readWhole(statePath, limit: 1 << 16)).map { keyedLines(String(decoding: $0, as: UTF8.self)) } ?? [:]
        partial = Partial(
            bytes: try file.size, total: fields["total"].flatMap { Int($0) }, validator: fields["validator"])
    }

    /// How many bytes are on the disk of a file that may not have been begun.
    static func bytes(of name: String) -> Int { (try? fileSize(path(of: name))) ?? 0 }

    /// Keeps the bytes before `offset`, as the beginning of `whole`.
    func begin(at offset: Int, of whole: Partial) throws(Fault) {
        if offset < partial.bytes { try file.truncate(to: offset) }
        if whole.total != partial.total || whole.validator != partial.validator {
            let isPlain = whole.validator.map { !$0.utf8.contains { $0 < 0x20 } } ?? true
            var text = whole.total.map { "total\t\($0)\n" } ?? ""
            if isPlain, let validator = whole.validator { text += "validator\t\(validator)\n" }
            try writeWhole(text, to: statePath)
        }
        partial = Partial(bytes: offset, total: whole.total, validator: whole.validator)
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(Fault) {
        try file.write(bytes, at: partial.bytes)
        partial.bytes += bytes.count
    }

    func discard() throws(Fault) {
        try file.truncate(to: 0)
        unlink(statePath)
        partial = .nothing
    }

    func beginning(_ count: Int) throws(Fault) -> [UInt8] { try readBeginning(path, count: min(count, partial.bytes)) }

    func synchronize() throws(Fault) { try file.synchronize() }

    /// Gives the file its name, durably.
    func finish(as name: String) throws(Fault) {
        try file.synchronize()
        guard rename(path, name) == 0 else { throw systemFault(name, "give it its name", errno) }
        try synchronizeDirectory(directory(of: name))
        unlink(statePath)
    }
}

public import Faults
import Glibc

/// A file that appears under its name whole or not at all.
///
/// Bytes go to a `Temporary` beside it; `commit()` flushes them, renames the file over `path` and flushes the
/// directory, so that a crash at any moment leaves either the old file or the new one. Dropped without `commit()`, it
/// leaves nothing. Bytes may be written in any order, as chunks of a checkpoint arrive.
public final class AtomicFile {
    public let path: String
    private let temporary: String
    private let file: Descriptor
    private var finished = false

    /// - Throws: `Fault` when the directory is missing, not writable or full.
    public init(_ path: String) throws(Fault) {
        self.path = path
        (temporary, file) = try Temporary.file(for: path)
    }

    deinit { if !finished { unlink(temporary) } }

    /// Writes `bytes` at `offset`; what lies between written ranges is zero.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Fault) {
        try named { () throws(Fault) in try file.write(bytes, at: offset) }
    }

    public func write(_ bytes: [UInt8], at offset: Int) throws(Fault) {
        try named { () throws(Fault) in try file.write(bytes, at: offset) }
    }

    /// Reads back what was written: `buffer.count` bytes from `offset` on, or fewer at the end.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(Fault) -> Int {
        try file.read(into: buffer, at: offset)
    }

    /// Reserves the size, so that a full disk is noticed before the work is done and not after.
    public func reserve(_ size: Int) throws(Fault) {
        let number = posix_fallocate(file.number, 0, max(size, 1))
        guard number == 0 || number == EOPNOTSUPP || number == EINVAL else {
            throw systemFault(path, "reserve \(size) bytes", number)
        }
        try file.truncate(to: size)
    }

    /// Flushes the bytes, gives the file its name and flushes the name.
    public func commit() throws(Fault) {
        try named { () throws(Fault) in
            try file.synchronize()
            guard rename(temporary, path) == 0 else { throw systemFault(path, "give it its name", errno) }
            finished = true
            try synchronizeDirectory(directory(of: path))
        }
    }

    /// Faults name the file the user asked for, not the temporary one.
    private func named(_ body: () throws(Fault) -> Void) throws(Fault) {
        do throws(Fault) { try body() } catch {
            throw error.thing == temporary ? Fault(error.code, path, error.reason, mend: error.mend) : error
        }
    }
}

/// Writes a small file whole or not at all.
public func writeWhole(_ bytes: [UInt8], to path: String) throws(Fault) {
    let file = try AtomicFile(path)
    try file.write(bytes, at: 0)
    try file.commit()
}

/// Writes a small text file whole or not at all.
public func writeWhole(_ text: String, to path: String) throws(Fault) {
    try writeWhole(Array(text.utf8), to: path)
}

/// All bytes of a file.
///
/// - Throws: `Fault` when it cannot be read or holds more than `limit` bytes (checked before anything is allocated).
public func readWhole(_ path: String, limit: Int = 1 << 30) throws(Fault) -> [UInt8] {
    let file = try Descriptor(path, O_RDONLY)
    let size = try file.size
    guard size <= limit else { throw Fault(.data, path, "has \(size) bytes, more than the \(limit) expected at most") }
    return try read(file, count: size)
}

/// The first `count` bytes of a file.
///
/// - Throws: `Fault` when it cannot be read or has fewer (checked before anything is allocated).
public func readBeginning(_ path: String, count: Int) throws(Fault) -> [UInt8] {
    let file = try Descriptor(path, O_RDONLY)
    guard try file.size >= count else { throw Fault(.data, path, "has fewer than \(count) bytes") }
    return try read(file, count: count)
}

private func read(_ file: Descriptor, count: Int) throws(Fault) -> [UInt8] {
    var failure: Fault?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
        let buffer = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
        do throws(Fault) { initialised = try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: 0) } catch {
            failure = error
        }
    }
    if let failure { throw failure }
    return bytes
}

public import Faults
import Glibc

/// A file of a cache on its way: written in parts, in any order, and of use only once its digest was found right.
public final class PartialFile: @unchecked Sendable {  // written by one thread at a time, whoever fills it
    /// What it is to be.
    public let expected: CachedFile
    let file: Descriptor
    private(set) var isRight = false

    init(_ expected: CachedFile, _ file: Descriptor) {
        self.expected = expected
        self.file = file
    }

    /// A file of no cache, which nobody else writes: begins it, at the path that it is to have.
    /// - Throws: `Fault` when the disk refuses, as when it has no room for it.
    public convenience init(_ expected: CachedFile, creating path: String) throws(Fault) {
        self.init(expected, try Descriptor(path, O_RDWR | O_CREAT | O_TRUNC))
        try reserve()
    }

    /// - Throws: `Fault` when the disk refuses, or the bytes are not of the file.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Fault) {
        guard offset >= 0, offset <= expected.byteCount, bytes.count <= expected.byteCount - offset else {
            throw Fault(.data, expected.name, "bytes \(offset) on, outside its \(expected.byteCount)")
        }
        isRight = false
        try file.write(bytes, at: offset)
    }

    /// Reads it back and brings it to the disk: whether it is what it is to be.
    public func check() throws(Fault) -> Bool {
        isRight = try digest(of: file) == expected.digest
        if isRight { try file.synchronize() }
        return isRight
    }

    /// Becomes what another is that was found right, of the same content.
    /// - Throws: `Fault` when the disk refuses, or has other bytes than were written.
    public func copy(_ other: PartialFile) throws(Fault) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        var done = 0
        while done < expected.byteCount {
            let count = try other.file.read(into: buffer, at: done)
            guard count > 0 else { break }
            try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: done)
            done += count
        }
        guard try check() else {
            throw Fault(
                .data, file.path, "its disk has other bytes of \(expected.name) than were written",
                mend: "check that disk, or name a folder on another")
        }
    }

    /// Takes the size at once, so that a full disk is noticed before anything is sent.
    func reserve() throws(Fault) {
        let number = posix_fallocate(file.number, 0, expected.byteCount)
        guard number == 0 || number == EOPNOTSUPP || number == EINVAL else {
            throw systemFault(file.path, "reserve \(expected.byteCount) bytes", number)
        }
        try file.truncate(to: expected.byteCount)
    }
}

/// What a file of a cache is: its content names it.
public struct CachedFile: Sendable, Hashable {
    /// SHA-256 of the whole.
    public var digest: Digest
    /// 1 or more.
    public var byteCount: Int
    /// For people.
    public var name: String

    public init(digest: Digest, byteCount: Int, name: String) {
        self.digest = digest
        self.byteCount = byteCount
        self.name = name
    }
}

public import Faults
import Glibc

/// How many bytes a file has.
/// - Throws: a data `Fault` when it is missing.
public func fileSize(_ path: String) throws(Fault) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { throw Fault(.data, path, "cannot be read: \(systemMessage(errno))") }
    return Int(status.st_size)
}

/// What changes when a file does: its size and the time it was written.
public struct FileStamp: Sendable, Hashable {
    public let byteCount: Int
    /// Nanoseconds since 1970.
    public let modified: Int

    public init(byteCount: Int, modified: Int) {
        self.byteCount = byteCount
        self.modified = modified
    }

    /// - Returns: `nil` when there is no such file.
    /// - Throws: `Fault` when the system will not say.
    public init?(path: String) throws(Fault) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR || errno == ELOOP else {
                throw systemFault(path, "ask what it is", errno)
            }
            return nil
        }
        // A stamp and no time: years beyond 2262 wrap round.
        self.init(
            byteCount: Int(status.st_size), modified: status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec)
    }
}

/// SHA-256 of a file of any size.
public func fileDigest(_ path: String) throws(Fault) -> Digest { try digest(of: try Descriptor(path, O_RDONLY)) }

/// SHA-256 of all that an open file holds.
func digest(of file: Descriptor) throws(Fault) -> Digest {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    var hasher = Digest.Hasher()
    var offset = 0
    while true {
        let count = try file.read(into: buffer, at: offset)
        guard count > 0 else { return hasher.finish() }
        hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        offset += count
    }
}

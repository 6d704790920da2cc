public import Faults
import Glibc

/// How many bytes a file has.
/// - Throws: a data `Fault` when it is missing.
public func fileSize(_ path: String) throws(Fault) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { throw Fault(.data, path, "cannot be read: \(systemMessage(errno))") }
    return Int(status.st_size)
}

/// SHA-256 of a file of any size.
public func fileDigest(_ path: String) throws(Fault) -> Digest {
    let file = try Descriptor(path, O_RDONLY)
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

public import Faults
import Glibc

/// Bytes that this user may still write on the disk of a path.
/// - Throws: a `Fault` when the system will not say.
@Sendable public func freeBytesOnDisk(_ path: String) throws(Fault) -> Int {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { throw systemFault(path, "ask how much is free", errno) }
    return byteCount(blocks: UInt64(status.f_bavail), of: UInt64(status.f_frsize))
}

/// So many blocks in bytes, and no more than any disk has: file systems of object stores say that 16 EiB are free, with which
/// nobody could count on.
package func byteCount(blocks: UInt64, of size: UInt64) -> Int {
    let (bytes, overflow) = blocks.multipliedReportingOverflow(by: size)
    let most = 1 << 60
    return overflow ? most : min(most, Int(clamping: bytes))
}

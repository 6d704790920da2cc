import Faults
import Foundation
import Glibc

/// A disk of a few kilobytes in memory, full whenever a test wants it to be: a real ENOSPC. Needs the right to mount.
public struct SmallDisk: Sendable {
    public let path: String

    public static let isPossible: Bool = (try? with(kilobytes: 64) { _ in true }) ?? false

    /// A fresh disk for `body`, unmounted afterwards.
    public static func with<T>(kilobytes: Int, _ body: (SmallDisk) throws -> T) throws -> T {
        try withTemporaryFolder { path in
            guard mount("tmpfs", path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else {
                throw Fault(.usage, path, "cannot mount a tmpfs: \(String(cString: strerror(errno)))")
            }
            defer { umount2(path, Int32(MNT_DETACH)) }
            return try body(SmallDisk(path: path))
        }
    }

    /// Takes all space but so many KiB, in a file beside the others.
    public func fill(leaving kilobytes: Int) throws {
        try free()
        let file = open(path + "/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Fault(.internal, path, "cannot be filled") }
        defer { close(file) }
        let block = [UInt8](repeating: 7, count: 4096)
        var size = 0
        while true {
            let count = write(file, block, block.count)
            guard count > 0 else { break }
            size += count
        }
        ftruncate(file, max(0, size - 1024 * kilobytes))
    }

    public func free() throws { unlink(path + "/filler") }
}

import CLMDB
public import Faults
import Glibc

/// What kind of file system a path is on: one of this machine, or one behind a network.
///
/// LMDB maps its files into memory. Behind a network another machine may change or cut them under the map, which ends in
/// SIGBUS or in old pages, and a page that is not there costs a round trip; `lmdb.h` (Caveats) rules it out.
public enum FileSystemKind: Sendable, Equatable {
    case local
    /// By its name, such as `NFS`.
    case network(String)

    /// `FUSE_SUPER_MAGIC`: of these only the mount tells what they are.
    private static let userSpace: UInt32 = 0x6573_5546

    /// - Parameters:
    ///   - magic: `f_type` of `statfs(2)` (`linux/magic.h`).
    ///   - mountType: for file systems in user space, the type in `/proc/self/mountinfo`, such as `fuse.sshfs`.
    public init(magic: UInt32, mountType: String = "") {
        let names: [UInt32: String] = [
            0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB2", 0x0BD0_0BD0: "Lustre",
            0x00C3_6400: "Ceph", 0x4750_4653: "GPFS", 0x5346_414F: "AFS", 0x6B41_4653: "AFS", 0x1983_0326: "BeeGFS",
            0x2003_0528: "OrangeFS", 0xAAD7_AAEA: "PanFS", 0x7375_7245: "Coda", 0x564C: "NCP", 0x0102_1997: "9P",
        ]
        if let name = names[magic] {
            self = .network(name)
        } else if magic == Self.userSpace, let name = Self.remoteInUserSpace(mountType) {
            self = .network(name)
        } else {
            self = .local
        }
    }

    /// Of the FUSE file systems those that fetch from elsewhere; others, as NTFS on a disk, do not.
    private static func remoteInUserSpace(_ type: String) -> String? {
        let remote = [
            "sshfs", "glusterfs", "s3fs", "rclone", "gcsfuse", "goofys", "juicefs", "ceph", "davfs", "curlftpfs",
            "smbnetfs", "blobfuse", "mount-s3", "mountpoint-s3", "moosefs", "mfs", "seaweedfs", "alluxio", "hdfs",
            "cvmfs",
        ]
        guard type.hasPrefix("fuse.") else { return nil }
        let name = type.dropFirst(5)
        return remote.contains { name.hasPrefix($0) } ? String(name) : nil
    }

    /// Of the file or folder at `path`, or of the nearest folder above it that is there and tells.
    public init(path: String) {
        var place = path
        var magic = clmdb_file_system_magic(place)
        while magic < 0 {
            let above = directory(of: place)
            guard above != place else {
                self = .local
                return
            }
            place = above
            magic = clmdb_file_system_magic(place)
        }
        var type = ""
        if UInt32(truncatingIfNeeded: magic) == Self.userSpace {
            type = Self.mountType(of: Self.resolved(place), in: Self.mounts) ?? ""
        }
        self.init(magic: UInt32(truncatingIfNeeded: magic), mountType: type)
    }

    /// Without links and dots, as far as the system says.
    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// The type of the mount that `path` (absolute, without links) is on, by the text of `/proc/self/mountinfo` (proc(5)).
    public static func mountType(of path: String, in mounts: String) -> String? {
        var best: (length: Int, type: String)?
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
            // Blanks and the like stand as octal numbers.
            let point = fields[4].replacing("\\040", with: " ").replacing("\\011", with: "\t")
                .replacing("\\134", with: "\\")
            guard path == point || point == "/" || path.hasPrefix(point + "/") else { continue }
            // Of two at one point the later one covers the other.
            if point.utf8.count >= best?.length ?? 0 { best = (point.utf8.count, String(fields[dash + 1])) }
        }
        return best?.type
    }

    /// A file of the kernel has no size of its own.
    private static var mounts: String {
        guard let file = try? Descriptor("/proc/self/mountinfo", O_RDONLY) else { return "" }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        guard let count = try? file.read(into: buffer, at: 0) else { return "" }
        return String(decoding: UnsafeRawBufferPointer(rebasing: buffer[..<count]), as: UTF8.self)
    }

    /// Why a database must not be opened here; `nil` when it may.
    /// - Parameter path: what the fault is to name.
    public func fault(forDatabase path: String) -> Fault? {
        guard case .network(let name) = self else { return nil }
        return Fault(
            .usage, path, "is on a network file system (\(name)), where LMDB's mapped files are neither safe nor fast",
            mend: "keep the data set on a disk of this machine (rsync -a), or pack it there; workers without a copy "
                + "pull shards into a --cache on a disk of theirs")
    }
}

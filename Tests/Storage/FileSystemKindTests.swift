import Faults
import Glibc
import Storage
import TestSupport
import Testing

@Suite("Kinds of file systems") struct FileSystemKindTests {
    @Test(
        arguments: [
            (0x6969, "", "NFS"), (0xFF53_4D42, "", "CIFS"), (0x0BD0_0BD0, "", "Lustre"), (0x00C3_6400, "", "Ceph"),
            (0x6573_5546, "fuse.sshfs", "sshfs"), (0x6573_5546, "fuse.glusterfs", "glusterfs"),
            (0x6573_5546, "fuse.gcsfuse", "gcsfuse"),
        ] as [(UInt32, String, String)])
    func behindANetwork(magic: UInt32, type: String, name: String) {
        let kind = FileSystemKind(magic: magic, mountType: type)
        #expect(kind == .network(name))
        let fault = kind.fault(forDatabase: "/data/train")
        #expect(fault?.thing == "/data/train" && fault?.reason.contains(name) == true && fault?.mend.isEmpty == false)
    }

    @Test(
        arguments: [
            (0xEF53, ""), (0x5846_5342, ""), (0x9123_683E, ""), (0x0102_1994, ""), (0x794C_7630, ""),
            (0x6573_5546, "fuseblk"), (0x6573_5546, "fuse.mergerfs"), (0x6573_5546, ""),
        ] as [(UInt32, String)])
    func ofThisMachine(magic: UInt32, type: String) {
        #expect(FileSystemKind(magic: magic, mountType: type) == .local)
        #expect(FileSystemKind(magic: magic, mountType: type).fault(forDatabase: "x") == nil)
    }

    @Test func theMountOfAPath() {
        let mounts = """
            22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
            30 22 0:40 / /mnt/far rw,nosuid shared:9 - fuse.sshfs me@host:/x rw
            31 22 0:41 / /mnt/two\\040words rw - fuse.rclone remote rw
            32 30 0:42 / /mnt/far rw - fuseblk /dev/sdb1 rw
            33 22 0:43 / /mnt/farther rw - nfs4 host:/x rw
            """
        #expect(FileSystemKind.mountType(of: "/home", in: mounts) == "ext4")
        #expect(FileSystemKind.mountType(of: "/mnt/two words/a", in: mounts) == "fuse.rclone")
        #expect(FileSystemKind.mountType(of: "/mnt/far/a", in: mounts) == "fuseblk")
        #expect(FileSystemKind.mountType(of: "/mnt/farther", in: mounts) == "nfs4")
        #expect(FileSystemKind.mountType(of: "/mnt/far/a", in: "") == nil)
    }

    @Test func filesThatAreNotThereYetAreWhereTheirFolderIs() throws {
        try withTemporaryFolder { folder in
            #expect(FileSystemKind(path: folder + "/a/b/c") == FileSystemKind(path: folder))
        }
    }

    /// A real mount of sshfs's type that no program stands behind; it answers `statfs` and nothing else.
    @Test(.enabled(if: FarFolder.isPossible, "needs the right to mount, and /dev/fuse"))
    func aDatabaseOnAMountOfSSHIsRefusedBeforeItIsTouched() throws {
        try FarFolder.with { far in
            #expect(FileSystemKind(path: far) == .network("sshfs"))
            #expect(FileSystemKind(path: far + "/set/train/a.mdb") == .network("sshfs"))
            let fault = #expect(throws: Fault.self) {
                try LMDBEnvironment(creating: far + "/a.mdb", capacity: 1 << 20)
            }
            #expect(fault?.code == .usage && fault?.thing == far + "/a.mdb")
            #expect(fault?.reason.contains("network file system (sshfs)") == true)
            #expect(fault?.mend.contains("a disk of this machine") == true)
        }
    }
}

/// A folder that is a mount as sshfs makes it, without the program that would serve it.
private enum FarFolder {
    static let isPossible: Bool = (try? with { _ in true }) ?? false

    static func with<T>(_ body: (String) throws -> T) throws -> T {
        try withTemporaryFolder { folder in
            let path = folder + "/far"
            try makeDirectories(path)
            let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
            guard device >= 0 else { throw Fault(.usage, "/dev/fuse", systemMessage(errno)) }
            defer { close(device) }
            // Whoever is not its owner is answered by the kernel alone, without the program.
            let options = "fd=\(device),rootmode=40000,user_id=54321,group_id=54321"
            guard mount("nobody@nowhere:/", path, "fuse.sshfs", UInt(MS_NOSUID | MS_NODEV), options) == 0 else {
                throw Fault(.usage, path, systemMessage(errno))
            }
            defer { umount2(path, Int32(MNT_DETACH)) }
            return try body(path)
        }
    }
}

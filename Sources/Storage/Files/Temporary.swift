import Faults
import Glibc

/// What is not whole yet: `PATH.tmp-WRITER`, beside where it goes.
///
/// A file is locked while it is written, and the kernel lets go of the lock however the writer ends: what a killed writer
/// left is taken over by the next one of the same path, so that nothing has to be looked for and removed. A directory cannot
/// be locked on every file system: only who alone may write to its parent can tell that it is left.
package enum Temporary {
    private static let mark = ".tmp"

    /// - Parameter writer: tells apart who may write the same thing at once; empty where only one may.
    package static func name(of path: String, writer: String = "") -> String {
        path + mark + (writer.isEmpty ? "" : "-" + writer)
    }

    /// Whether it is the last part of such a name.
    static func isName(_ name: String) -> Bool {
        guard let dot = name.lastIndex(of: ".") else { return false }
        return name[dot...] == mark || name[dot...].hasPrefix(mark + "-")
    }

    /// The names that this machine's writers of a file take, from number 0 on. Some network file systems lock only among the
    /// processes of one machine, so no other machine's is ever taken over.
    package static func name(of path: String, number: Int) -> String { name(of: path, writer: "\(machine)-\(number)") }

    /// Its host name, in eight digits (FNV-1a).
    private static let machine: String = {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        var hash: UInt32 = 0x811C_9DC5
        for byte in name.prefix(while: { $0 != 0 }) { hash = (hash ^ UInt32(UInt8(bitPattern: byte))) &* 0x0100_0193 }
        return String(hash, radix: 16)
    }()

    /// Makes an empty file that is to become `path`, or takes over one whose writer is gone; locked as long as it is open.
    static func file(for path: String) throws(Fault) -> (name: String, file: Descriptor) {
        for number in 0..<1024 {
            let name = name(of: path, number: number)
            let new = try Descriptor.new(name)
            let isNew = new != nil
            // What is there may be gone by now, or be somebody else's.
            guard let file = new ?? (try? Descriptor(name, O_RDWR | O_NOFOLLOW)) else { continue }
            // Where nothing can be locked a new file is ours all the same, and nothing is ever taken over.
            let isLocked = try? file.lock()
            // Before the lock its writer may have given it its name: then it is no temporary any more.
            guard isLocked ?? isNew, (try? file.isUnder(name)) == true else { continue }
            if !isNew { try file.truncate(to: 0) }
            return (name, file)
        }
        throw Fault(.internal, path, "is written by too many others at once")
    }
}

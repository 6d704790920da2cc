public import Faults
import Glibc

/// An exclusive lock on a file, held until the object goes or the process ends, however it ends.
///
/// The file holds the holder's words (its host and process), so that the next one can say who is in the way. Somebody
/// else may put a file of his own in its place (`takingOver`); then this lock is worth nothing any more, which
/// `isInPlace` tells.
public final class LockFile: Sendable {
    private let path: String
    private let file: Descriptor
    private let identity: FileIdentity

    /// - Parameter takingOver: Put a new file in the place of one that another process holds, which may be hung and so
    ///   never let go. The other has to look at `isInPlace` before whatever it makes final.
    /// - Throws: `Fault` with the holder's words when somebody else holds the lock and it is not to be taken over.
    public init(_ path: String, holder: String, takingOver: Bool = false) throws(Fault) {
        self.path = path
        if let free = try Self.lockInPlace(path) {
            (file, identity) = free
            try Self.write(holder, to: file)
        } else if takingOver {
            (file, identity) = try Self.replace(path, holder: holder)
        } else {
            let words = (try? readWhole(path, limit: 4096)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            throw Fault(
                .usage, path, "is held by " + (words.isEmpty ? "another process" : words),
                mend: "wait until it ends, or choose another directory")
        }
    }

    /// Whether the file under the lock's name is still the one that is locked.
    ///
    /// It is opened anew each time: on a shared file system that is what asks the server.
    public var isInPlace: Bool {
        get throws(Fault) {
            guard pathExists(path) else { return false }
            return try Descriptor(path, O_RDONLY).identity == identity
        }
    }

    /// Opens and locks the file under the name; `nil` when somebody else holds it.
    private static func lockInPlace(_ path: String) throws(Fault) -> (Descriptor, FileIdentity)? {
        // Between opening and locking another file may have got the name; as often as somebody else renames one.
        for _ in 0..<64 {
            let file = try Descriptor(path, O_RDWR | O_CREAT)
            guard try file.lock() else { return nil }
            let identity = try file.identity
            if pathExists(path), try Descriptor(path, O_RDONLY).identity == identity { return (file, identity) }
        }
        throw Fault(.internal, path, "is replaced again and again by other processes")
    }

    private static func replace(_ path: String, holder: String) throws(Fault) -> (Descriptor, FileIdentity) {
        let temporary = "\(path).tmp-\(getpid())-\(UInt32.random(in: 0...(.max)))"
        let file = try Descriptor(temporary, O_RDWR | O_CREAT | O_EXCL)
        do throws(Fault) {
            guard try file.lock() else { throw Fault(.internal, temporary, "is locked, though nobody knows of it") }
            try write(holder, to: file)
            guard rename(temporary, path) == 0 else { throw systemFault(path, "take its place", errno) }
        } catch {
            unlink(temporary)
            throw error
        }
        try synchronizeDirectory(directory(of: path))
        return (file, try file.identity)
    }

    private static func write(_ holder: String, to file: Descriptor) throws(Fault) {
        let words = Array(holder.utf8)
        try file.truncate(to: 0)
        var failure: Fault?
        words.withUnsafeBytes { raw in
            do throws(Fault) { try file.write(raw, at: 0) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

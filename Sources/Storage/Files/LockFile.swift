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

    /// - Parameter takingOver: Put a new file in the place of one that another process holds, which may be hung and so
    ///   never let go. The other has to look at `isInPlace` before whatever it makes final.
    /// - Throws: `Fault` with the holder's words when somebody else holds the lock and it is not to be taken over.
    public init(_ path: String, holder: String, takingOver: Bool = false) throws(Fault) {
        self.path = path
        if let free = try Self.lockInPlace(path) {
            file = free
            try Self.write(holder, to: file)
        } else if takingOver {
            file = try Self.replace(path, holder: holder)
        } else {
            let words = (try? readWhole(path, limit: 4096)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            throw Fault(
                .usage, path, "is held by " + (words.isEmpty ? "another process" : words),
                mend: "wait until it ends, or choose another directory")
        }
    }

    /// Whether the file under the lock's name is still the one that is locked.
    public var isInPlace: Bool { get throws(Fault) { try file.isUnder(path) } }

    /// Opens and locks the file under the name; `nil` when somebody else holds it.
    private static func lockInPlace(_ path: String) throws(Fault) -> Descriptor? {
        // Between opening and locking another file may have got the name; as often as somebody else renames one.
        for _ in 0..<64 {
            let file = try Descriptor(path, O_RDWR | O_CREAT)
            guard try file.lock() else { return nil }
            if try file.isUnder(path) { return file }
        }
        throw Fault(.internal, path, "is replaced again and again by other processes")
    }

    private static func replace(_ path: String, holder: String) throws(Fault) -> Descriptor {
        let (temporary, file) = try Temporary.file(for: path)
        do throws(Fault) {
            // Unless nothing can be locked there it is; then this throws.
            guard try file.lock() else { throw Fault(.internal, temporary, "is locked, though nobody knows of it") }
            try write(holder, to: file)
            guard rename(temporary, path) == 0 else { throw systemFault(path, "take its place", errno) }
        } catch {
            unlink(temporary)
            throw error
        }
        try synchronizeDirectory(directory(of: path))
        return file
    }

    private static func write(_ holder: String, to file: Descriptor) throws(Fault) {
        let words = Array(holder.utf8)
        try file.truncate(to: 0)
        try file.write(words, at: 0)
    }
}

public import Faults
import Glibc

/// An exclusive lock on a file, held until the object goes or the process ends, however it ends.
///
/// The file holds the holder's words (its host and process), so that the next one can say who is in the way.
public final class LockFile {
    private let file: Descriptor

    /// - Throws: `Fault` with the holder's words when somebody else holds the lock.
    public init(_ path: String, holder: String) throws(Fault) {
        file = try Descriptor(path, O_RDWR | O_CREAT)
        let (result, number) = retryingOnInterrupt { flock(file.number, LOCK_EX | LOCK_NB) }
        guard result == 0 else {
            guard number == EWOULDBLOCK else { throw systemFault(path, "lock it", number) }
            let words = (try? readWhole(path, limit: 4096)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            throw Fault(
                .usage, path, "is held by " + (words.isEmpty ? "another process" : words),
                mend: "wait until it ends, or choose another directory")
        }
        let words = Array(holder.utf8)
        try file.truncate(to: 0)
        var failure: Fault?
        words.withUnsafeBytes { raw in
            do throws(Fault) { try file.write(raw, at: 0) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

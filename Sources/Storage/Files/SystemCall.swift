package import Faults
package import Glibc
import Synchronization

/// The fault of a system call that failed on `path`: what was tried, the system's words, and what would mend it.
package func systemFault(_ path: String, _ doing: String, _ number: Int32) -> Fault {
    let code: Fault.Code =
        switch number {
        case ENOSPC, EDQUOT: .stoppedEarly
        case ENOENT, EACCES, EPERM, ENOTDIR, EISDIR, EROFS, ENAMETOOLONG, EEXIST: .usage
        default: .data
        }
    return Fault(code, path, "cannot \(doing): \(systemMessage(number))", mend: mend(number))
}

private func mend(_ number: Int32) -> String {
    switch number {
    case ENOSPC: "free some space on that disk and run the same command again"
    case EDQUOT: "free some of your quota and run the same command again"
    case EROFS: "choose a directory that can be written"
    case EACCES, EPERM: "check its permissions"
    case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
    default: ""
    }
}

/// What the system says about an error number. `strerror_r` because other threads may ask at the same time.
package func systemMessage(_ number: Int32) -> String {
    var text = [CChar](repeating: 0, count: 256)
    let status = strerror_r(number, &text, text.count)
    guard status == 0 else { return "error \(number)" }
    return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
}

/// Repeats a call that a signal interrupted; the result is the call's, or `nil` and the error number it left.
@inline(never)
func retryingOnInterrupt<Result: FixedWidthInteger>(_ call: () -> Result) -> (result: Result, number: Int32) {
    while true {
        let result = call()
        let number = errno
        if result != -1 { return (result, 0) }
        if number != EINTR { return (result, number) }
    }
}

/// The calls a test may replace to fill a disk or lose a flush.
package struct FileCalls: Sendable {
    /// `pwrite`: the count written, or -1 and `errno`.
    package var write: @Sendable (Int32, UnsafeRawBufferPointer, Int) -> Int
    /// `fsync`: 0, or -1 and `errno`.
    package var synchronize: @Sendable (Int32) -> Int32

    package static let system = FileCalls(
        write: { pwrite($0, $1.baseAddress, $1.count, $2) }, synchronize: { fsync($0) })

    package init(
        write: @escaping @Sendable (Int32, UnsafeRawBufferPointer, Int) -> Int,
        synchronize: @escaping @Sendable (Int32) -> Int32
    ) {
        self.write = write
        self.synchronize = synchronize
    }
}

/// What tells one file from another while one of them is open.
package struct FileIdentity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64

    init(device: UInt64, inode: UInt64) { (self.device, self.inode) = (device, inode) }

    /// Of what is under a path; links are followed.
    /// - Throws: `Fault` when nothing is, or the system will not say.
    package init(path: String) throws(Fault) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw systemFault(path, "ask what it is", errno) }
        self.init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }
}

/// An open file and the path it was opened by; closed when the last reference goes.
package final class Descriptor: @unchecked Sendable {  // one atomic; the kernel serialises calls on the number
    package let number: Int32
    let path: String
    private let calls: FileCalls
    private let isLocked = Atomic(false)

    package init(_ path: String, _ flags: Int32, mode: mode_t = 0o644, calls: FileCalls = .system) throws(Fault) {
        let (number, failure) = retryingOnInterrupt { open(path, flags | O_CLOEXEC, mode) }
        guard number >= 0 else { throw systemFault(path, "open it", failure) }
        self.number = number
        self.path = path
        self.calls = calls
    }

    private init(number: Int32, path: String) {
        (self.number, self.path) = (number, path)
        calls = .system
    }

    /// Makes a file; `nil` where there is something of the name.
    static func new(_ path: String) throws(Fault) -> Descriptor? {
        let (number, failure) = retryingOnInterrupt { open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) }
        guard number >= 0 else {
            guard failure == EEXIST else { throw systemFault(path, "open it", failure) }
            return nil
        }
        return Descriptor(number: number, path: path)
    }

    deinit {
        // A process that is just being started has copies of all descriptors until it runs its program: a lock would stay
        // with them for that moment.
        if isLocked.load(ordering: .relaxed) { flock(number, LOCK_UN) }
        close(number)
    }

    package var size: Int {
        get throws(Fault) {
            var status = stat()
            let (result, failure) = retryingOnInterrupt { fstat(number, &status) }
            guard result == 0 else { throw systemFault(path, "read its size", failure) }
            return Int(status.st_size)
        }
    }

    /// Which file it is, whatever name it has by now.
    var identity: FileIdentity {
        get throws(Fault) {
            var status = stat()
            let (result, failure) = retryingOnInterrupt { fstat(number, &status) }
            guard result == 0 else { throw systemFault(path, "ask what it is", failure) }
            return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        }
    }

    /// Whether it is this file that is under a path now.
    ///
    /// The path is opened anew each time: on a shared file system that is what asks the server.
    func isUnder(_ path: String) throws(Fault) -> Bool {
        guard pathExists(path) else { return false }
        return try Descriptor(path, O_RDONLY).identity == identity
    }

    /// Takes a lock (`flock` with `LOCK_EX`, which is exclusive, or `LOCK_SH`) until the descriptor closes; `false` when
    /// another's is in the way.
    func lock(_ kind: Int32 = LOCK_EX) throws(Fault) -> Bool {
        let (result, failure) = retryingOnInterrupt { flock(number, kind | LOCK_NB) }
        guard result == 0 else {
            guard failure == EWOULDBLOCK else { throw systemFault(path, "lock it", failure) }
            return false
        }
        isLocked.store(true, ordering: .relaxed)
        return true
    }

    /// Takes the exclusive lock until the descriptor closes, and waits for whoever holds it.
    func waitForLock() throws(Fault) {
        let (result, failure) = retryingOnInterrupt { flock(number, LOCK_EX) }
        guard result == 0 else { throw systemFault(path, "lock it", failure) }
        isLocked.store(true, ordering: .relaxed)
    }

    /// Writes all of `bytes` at `offset`, in as many calls as the system wants.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Fault) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let (count, failure) = retryingOnInterrupt { calls.write(number, rest, offset + done) }
            guard count > 0 else { throw systemFault(path, "write it", count == 0 ? ENOSPC : failure) }
            done += count
        }
    }

    package func write(_ bytes: [UInt8], at offset: Int) throws(Fault) {
        var failure: Fault?
        bytes.withUnsafeBytes { raw in
            do throws(Fault) { try write(raw, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Fills `buffer` from `offset` on; how many bytes there were.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(Fault) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let (count, failure) = retryingOnInterrupt { pread(number, rest.baseAddress, rest.count, offset + done) }
            guard count >= 0 else { throw systemFault(path, "read it", failure) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    package func truncate(to size: Int) throws(Fault) {
        let (result, failure) = retryingOnInterrupt { ftruncate(number, size) }
        guard result == 0 else { throw systemFault(path, "set its size to \(size) bytes", failure) }
    }

    package func synchronize() throws(Fault) {
        let (result, failure) = retryingOnInterrupt { calls.synchronize(number) }
        guard result == 0 else { throw systemFault(path, "flush it to the disk", failure) }
    }
}

/// Makes the names in a directory durable: a rename or a new file is lost with the power until then.
package func synchronizeDirectory(_ path: String) throws(Fault) {
    try Descriptor(path.isEmpty ? "." : path, O_RDONLY | O_DIRECTORY).synchronize()
}

/// The directory part of a path; "." for a bare name.
package func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

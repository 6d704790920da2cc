import Faults
import Glibc

/// A file without a name, beside the one that it will become part of: the system forgets it with the process.
final class SpoolFile {
    private let path: String
    private let file: Int32
    private var count = 0
    /// `O_TMPFILE` of `open(2)`, a macro that Swift does not import.
    private static let nameless = 0o20_000_000 | O_DIRECTORY

    init(beside path: String) throws(Fault) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { String(path[..<$0]) } ?? "."
        self.path = path
        let parent = folder.isEmpty ? "/" : folder
        let nameless = open(parent, Self.nameless | O_RDWR | O_CLOEXEC, 0o600)
        guard nameless < 0, errno == EOPNOTSUPP || errno == EISDIR else {
            file = nameless
            guard file >= 0 else { throw Self.fault(path, "cannot be written: \(Self.reason)") }
            return
        }
        // Not every file system has such files: one that is unlinked at once does as well.
        var template = Array((parent + "/.zoetrope-XXXXXX").utf8CString)
        file = mkstemp(&template)
        guard file >= 0 else { throw Self.fault(path, "cannot be written: \(Self.reason)") }
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        unlink(template)
    }

    deinit { close(file) }

    func append(_ bytes: UnsafeRawBufferPointer) throws(Fault) {
        var done = 0
        while done < bytes.count {
            let written = pwrite(file, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(count + done))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw Self.fault(path, "cannot be written: \(Self.reason)") }
            done += written
        }
        count += bytes.count
    }

    func truncate(to count: Int) throws(Fault) {
        guard ftruncate(file, off_t(count)) == 0 else { throw Self.fault(path, "cannot be cut: \(Self.reason)") }
        self.count = count
    }

    /// Gives all bytes to `body` in pieces, each with its offset.
    func read(_ body: (UnsafeRawBufferPointer, _ offset: Int) throws(Fault) -> Void) throws(Fault) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var offset = 0
        while offset < count {
            let got = pread(file, buffer.baseAddress, min(buffer.count, count - offset), off_t(offset))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw Self.fault(path, "cannot be read back: \(Self.reason)") }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<got]), offset)
            offset += got
        }
    }

    private static var reason: String { String(cString: strerror(errno)) }

    private static func fault(_ path: String, _ reason: String) -> Fault {
        Fault(.data, path, reason, mend: "free some space or name another --out")
    }
}

package import Faults
import Foundation
import Glibc
import Protocol

/// A folder for this user only, with files that a process needs while it runs.
///
/// It is locked as long as the process that made it lives, and the kernel lets go of the lock however that ends: what a killed
/// one left, keys among it, is taken away by the next of the same user.
package struct PrivateFolder {
    package let path: String
    private let names: [String]
    /// The folder, open and locked.
    private let lock: Int32

    /// - Parameter places: where it may be, the first that can be written; nil: the user's runtime folder, which is memory,
    ///   and the folders for temporary files.
    /// - Throws: `Fault.usage` when none can be written.
    package init(_ files: [String: String], in places: [String]? = nil) throws(Fault) {
        let places = places ?? Self.places
        var made: (path: String, lock: Int32)?
        for place in places where made == nil && place.hasPrefix("/") {
            Self.sweep(place)
            made = Self.make(in: place)
        }
        guard let made else {
            throw Fault(
                .usage, places.last ?? "", "no folder can be made: \(String(cString: strerror(errno)))",
                mend: "set TMPDIR to a folder that can be written")
        }
        path = made.path
        lock = made.lock
        names = files.keys.sorted()
        for (name, content) in files {
            let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            let isWritten = file >= 0 && writeWhole(Array(content.utf8), to: file)
            if file >= 0 { close(file) }
            guard isWritten else {
                let reason = String(cString: strerror(errno))
                remove()
                throw Fault(.usage, "\(path)/\(name)", "cannot be written: \(reason)")
            }
        }
    }

    /// Once.
    package func remove() {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
        close(lock)
    }

    private static var places: [String] {
        [getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR")].compactMap { $0.map { String(cString: $0) } } + ["/tmp"]
    }

    /// With the machine's name: some network file systems lock only among the processes of one machine.
    private static let prefix = "zoetrope-tend-\(hostName().filter { $0 != "/" })-"
    private static let drawn = "XXXXXX"

    /// - Returns: nil when there cannot be one; `errno` says why.
    private static func make(in place: String) -> (path: String, lock: Int32)? {
        while true {
            var template = Array((place + "/" + prefix + drawn).utf8CString)
            // 0700, by its definition.
            guard mkdtemp(&template) != nil else { return nil }
            let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
            let lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard lock >= 0 || errno == ENOENT else {
                let number = errno
                rmdir(path)
                errno = number
                return nil
            }
            // Until it was locked somebody may have taken it for left. Where nothing can be locked, nobody does.
            if lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK, access(path, F_OK) == 0 {
                return (path, lock)
            }
            if lock >= 0 { close(lock) }
        }
    }

    /// Takes away what nobody holds the lock of.
    private static func sweep(_ place: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
        let length = prefix.utf8.count + drawn.utf8.count
        for name in names where name.hasPrefix(prefix) && name.utf8.count == length {
            let path = place + "/" + name
            let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard folder >= 0 else { continue }
            defer { close(folder) }
            var status = stat()
            guard fstat(folder, &status) == 0, status.st_uid == geteuid(), flock(folder, LOCK_EX | LOCK_NB) == 0 else {
                continue
            }
            for file in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] { unlink(path + "/" + file) }
            rmdir(path)
        }
    }
}

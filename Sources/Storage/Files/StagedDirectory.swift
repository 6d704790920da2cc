public import Faults
import Glibc

/// A directory that appears under its name with all its files, or not at all.
///
/// Files are written under `staging` (each by an `AtomicFile`, or flushed by its writer); `commit()` renames the whole.
/// What an earlier crash left under the staging name is removed first, unless its writer wants to go on with it.
public final class StagedDirectory {
    public let path: String
    /// Where the files go until `commit()`: a `Temporary`.
    public let staging: String
    private let resuming: Bool
    private var finished = false

    /// - Parameters:
    ///   - writer: Tells writers apart that may be at the same directory at once, so that one that is fenced off
    ///     never touches what the other stages.
    ///   - resuming: Files of an earlier attempt stay, and those of this one if it fails.
    public init(_ path: String, writer: String = "", resuming: Bool = false) throws(Fault) {
        self.path = path
        self.resuming = resuming
        staging = Temporary.name(of: path, writer: writer)
        if resuming, try fileKind(staging) == .directory { return }
        try removeTree(staging)
        guard mkdir(staging, 0o755) == 0 else { throw systemFault(path, "make it", errno) }
    }

    deinit { if !finished, !resuming { try? removeTree(staging) } }

    private static let replacedSuffix = ".old"

    /// Clears what crashes left in `parent`: what was staged under any name goes, and what was about to be replaced gets
    /// its name back when its successor never came. For the one who may write there, before he does.
    ///
    /// - Returns: The names that were removed.
    public static func clear(_ parent: String) throws(Fault) -> [String] {
        var removed: [String] = []
        for name in try directoryNames(parent) {
            let path = parent + "/" + name
            if name.hasSuffix(replacedSuffix), !pathExists(String(path.dropLast(replacedSuffix.count))) {
                guard rename(path, String(path.dropLast(replacedSuffix.count))) == 0 else {
                    throw systemFault(path, "give it its name back", errno)
                }
            } else if name.hasSuffix(replacedSuffix) || Temporary.isName(name) {
                try removeTree(path)
                removed.append(name)
            }
        }
        return removed
    }

    /// Makes the directory's files durable and gives it its name. A directory that already has the name is replaced.
    public func commit() throws(Fault) {
        try synchronizeDirectory(staging)
        let old = path + Self.replacedSuffix
        if rename(staging, path) != 0 {
            let number = errno
            guard number == ENOTEMPTY || number == EEXIST else { throw systemFault(path, "give it its name", number) }
            try removeTree(old)
            guard rename(path, old) == 0, rename(staging, path) == 0 else {
                throw systemFault(path, "give it its name", errno)
            }
        }
        finished = true
        try synchronizeDirectory(directory(of: path))
        // Of this commit, or of one that a crash cut between the two names; only once the new name is durable.
        try removeTree(old)
    }
}

/// Makes a directory and those above it; one that exists is fine.
public func makeDirectories(_ path: String) throws(Fault) {
    guard mkdir(path, 0o755) != 0 else { return }
    let number = errno
    switch number {
    case EEXIST:
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw Fault(.usage, path, "is a file and not a directory")
        }
    case ENOENT:
        let parent = directory(of: path)
        guard parent != path, parent != "." else { throw systemFault(path, "make it", number) }
        try makeDirectories(parent)
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw systemFault(path, "make it", errno) }
    default: throw systemFault(path, "make it", number)
    }
}

/// Whether there is anything under this path.
public func pathExists(_ path: String) -> Bool { access(path, F_OK) == 0 }

/// What is under a path.
public enum FileKind: Sendable, Equatable {
    case directory
    /// With its size in bytes.
    case file(Int)
    /// Nothing, a link that leads nowhere, or something that is neither file nor directory.
    case other
}

/// What is under this path; links are followed.
/// - Throws: `Fault` when the system will not say.
public func fileKind(_ path: String) throws(Fault) -> FileKind {
    var status = stat()
    guard stat(path, &status) == 0 else {
        guard errno == ENOENT || errno == ELOOP else { throw systemFault(path, "ask what it is", errno) }
        return .other
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: return .directory
    case S_IFREG: return .file(Int(status.st_size))
    default: return .other
    }
}

/// Names in a directory in ascending order, without "." and "..".
public func directoryNames(_ path: String) throws(Fault) -> [String] {
    guard let stream = opendir(path) else { throw systemFault(path, "list it", errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
        errno = 0
        guard let entry = readdir(stream) else {
            guard errno == 0 else { throw systemFault(path, "list it", errno) }
            break
        }
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// Gives a file or a directory another name in the same folder, durably.
///
/// - Throws: `Fault` when the name is taken by something that is not empty, or the system refuses.
public func moveAside(_ path: String, to aside: String) throws(Fault) {
    guard rename(path, aside) == 0 else { throw systemFault(path, "call it \(aside)", errno) }
    try synchronizeDirectory(directory(of: path))
}

/// Removes a file, or a directory with all it holds; symbolic links are removed, never followed. Nothing there is fine.
public func removeTree(_ path: String) throws(Fault) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
        for name in try directoryNames(path) { try removeTree(path + "/" + name) }
        guard rmdir(path) == 0 || errno == ENOENT else { throw systemFault(path, "remove it", errno) }
    } else {
        guard unlink(path) == 0 || errno == ENOENT else { throw systemFault(path, "remove it", errno) }
    }
}

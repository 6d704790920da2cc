public import Faults
import Foundation
import Glibc
import Synchronization

/// Files by their content, in a folder of bounded size that any number of processes share.
///
/// A file is named by its digest and appears whole and verified or not at all. Whoever uses one has a shared lock on it
/// (`flock`); whoever needs room removes those that nobody has locked, the longest unused first. What is on its way counts
/// with its whole size, so the folder never holds more than its limit.
public final class FileCache: Sendable {
    public let folder: String
    /// Bytes that it may hold.
    public let limit: Int
    private let note: @Sendable (String) -> Void
    private let filling = Filling()
    /// Which files were found right by this process: reading a large one again each time would take seconds.
    private let verified = Mutex<[Digest: FileIdentity]>([:])

    /// How long to wait for room that others use; seconds.
    private static let patience = 120.0
    private static let pause = 0.05

    /// - Parameters:
    ///   - limit: In bytes; 0: nine tenths of what the disk has free, what the folder holds already included.
    ///   - note: What is worth a line in the log.
    /// - Throws: `Fault.usage` when the folder cannot be made, or others than its owner may write it.
    public init(
        folder: String, limit: Int, note: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(Fault) {
        try makeDirectories(directory(of: folder))
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw systemFault(folder, "make it", errno) }
        var status = stat()
        guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw Fault(.usage, folder, "is a file and not a folder", mend: "name another cache")
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw Fault(
                .usage, folder, "a cache that others than this user may write",
                mend: "name a folder of your own, or chmod go-w \(folder)")
        }
        self.folder = folder
        self.note = note
        if limit > 0 {
            self.limit = limit
        } else {
            let held = try CacheFolder(folder).entries().reduce(0) { $0 + $1.byteCount }
            self.limit = max(1, (try freeBytesOnDisk(folder) + held) / 10 * 9)
        }
    }

    /// Where a file is, if it is here; it may go at any moment unless it is held.
    public func path(of digest: Digest) -> String { "\(folder)/\(digest)" }

    /// The file, locked as long as the result lives. Where it is missing or damaged, `fill` gets it: it writes all of it and
    /// has it checked. Waits while everything else is in use, or somebody else is getting it.
    ///
    /// - Throws: `Fault.usage` when the file is larger than the whole cache; what `fill` throws; `Fault` when the disk
    ///   refuses or no room comes free.
    public func hold(
        _ file: CachedFile, fill: (PartialFile) throws(Fault) -> Void
    ) throws(Fault) -> HeldFile {
        try require(file)
        var deadline: ContinuousClock.Instant?
        while true {
            if let held = try present(file) { return held }
            guard filling.begin(file.digest) else { continue }
            defer { filling.end(file.digest) }
            if let held = try present(file) { return held }
            let partial: PartialFile
            switch try CacheFolder(folder).room(for: file, limit: limit) {
            case .made(let made): partial = made
            case .coming:
                // However long it takes, as long as it gets on.
                deadline = nil
                filling.wait(seconds: Self.pause)
                continue
            case .full:
                let end = deadline ?? ContinuousClock.now + .seconds(Self.patience)
                deadline = end
                guard ContinuousClock.now < end else {
                    throw Fault(
                        .data, folder, "other processes use all of its \(limit) bytes: no room for \(file.name)",
                        mend: "raise worker.cache_limit, or give each worker a cache of its own")
                }
                filling.wait(seconds: Self.pause)
                continue
            }
            do throws(Fault) {
                try fill(partial)
                guard partial.isRight else { throw Fault(.internal, file.name, "was not checked") }
                return try keep(partial)
            } catch {
                unlink(partial.file.path)
                throw error
            }
        }
    }

    /// The file, locked as long as the result lives, if it is here and good.
    public func held(_ file: CachedFile) throws(Fault) -> HeldFile? { try present(file) }

    /// - Throws: `Fault.usage` when the file is larger than the whole cache.
    public func require(_ file: CachedFile) throws(Fault) {
        guard file.byteCount <= limit else {
            throw Fault(
                .usage, folder, "a cache of \(limit) bytes cannot hold \(file.name) of \(file.byteCount) bytes",
                mend:
                    "raise worker.cache_limit (--cache-limit), or pack the set into smaller shards (data pack --shard-size)"
            )
        }
    }

    /// The file turned out to be damaged: nobody gets it any more.
    public func drop(_ held: HeldFile) {
        verified.withLock { $0[held.file.digest] = nil }
        if let now = try? Descriptor(held.path, O_RDONLY).identity, now == held.identity { unlink(held.path) }
    }

    private func present(_ file: CachedFile) throws(Fault) -> HeldFile? {
        let path = path(of: file.digest)
        while pathExists(path) {
            let found: Descriptor
            do throws(Fault) { found = try Descriptor(path, O_RDONLY) } catch {
                if pathExists(path) { throw error }
                return nil
            }
            // Somebody looks whether it can go, or has just given it its name.
            guard try found.lock(LOCK_SH) else {
                filling.wait(seconds: Self.pause / 10)
                continue
            }
            let identity = try found.identity
            // Removed between opening and locking.
            guard (try? Descriptor(path, O_RDONLY).identity) == identity else { continue }
            if verified.withLock({ $0[file.digest] }) != identity {
                guard try found.size == file.byteCount, try digest(of: found) == file.digest else {
                    note("\(file.name): the copy in \(folder) has a wrong digest; it is dropped and fetched again")
                    unlink(path)
                    return nil
                }
                verified.withLock { $0[file.digest] = identity }
            }
            found.stampAsUsed()
            return HeldFile(file, path: path, lock: found, identity: identity)
        }
        return nil
    }

    /// Gives a checked file its name, and goes from the exclusive to the shared lock, between which the kernel may let go:
    /// nobody removes anything meanwhile.
    private func keep(_ partial: PartialFile) throws(Fault) -> HeldFile {
        let (file, path) = (partial.expected, path(of: partial.expected.digest))
        let folderLock = try CacheFolder(folder)
        defer { withExtendedLifetime(folderLock) {} }
        guard rename(partial.file.path, path) == 0 else { throw systemFault(path, "give it its name", errno) }
        try synchronizeDirectory(folder)
        let identity = try partial.file.identity
        verified.withLock { $0[file.digest] = identity }
        partial.file.stampAsUsed()
        while try !partial.file.lock(LOCK_SH) { filling.wait(seconds: Self.pause / 10) }
        return HeldFile(file, path: path, lock: partial.file, identity: identity)
    }
}

/// A file of a cache that stays where it is as long as this lives.
public final class HeldFile: Sendable {
    public let file: CachedFile
    public let path: String
    let identity: FileIdentity
    private let lock: Descriptor

    init(_ file: CachedFile, path: String, lock: Descriptor, identity: FileIdentity) {
        self.file = file
        self.path = path
        self.lock = lock
        self.identity = identity
    }
}

extension Descriptor {
    /// Its time of modification becomes now: by the clock's nanoseconds, for the kernel's own stamps are equal within a tick,
    /// and what was used first is to go first.
    fileprivate func stampAsUsed() {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        futimens(number, [now, now])
    }
}

/// Which files threads of this process are getting: each is got once.
private final class Filling: @unchecked Sendable {  // its state is touched under the condition's lock only
    private let condition = NSCondition()
    private var digests: Set<Digest> = []

    /// Whether it is the caller's to get; waits as long as another thread is getting it, and says no then.
    func begin(_ digest: Digest) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        if digests.insert(digest).inserted { return true }
        while digests.contains(digest) { condition.wait() }
        return false
    }

    func end(_ digest: Digest) {
        condition.lock()
        digests.remove(digest)
        condition.broadcast()
        condition.unlock()
    }

    /// For what other processes do, of which nothing tells.
    func wait(seconds: Double) { usleep(UInt32(seconds * 1e6)) }
}

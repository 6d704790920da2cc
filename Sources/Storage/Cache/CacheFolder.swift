import Faults
import Glibc

/// The folder of a cache, one process at a time: what is in it, and how room is made.
///
/// `DIGEST` is a file; `part-DIGEST-PROCESS-N` one on its way, locked by whoever fetches it; `lock` is what this holds.
struct CacheFolder {
    private let folder: String
    private let lock: Descriptor

    /// Waits until no other process is at it, which takes none of them long.
    init(_ folder: String) throws(Fault) {
        self.folder = folder
        lock = try Descriptor(folder + "/lock", O_RDWR | O_CREAT, mode: 0o600)
        try lock.waitForLock()
    }

    /// Everything in it, `isInUse` where that shows without trying: parts that are on their way. What crashes left goes.
    func entries() throws(Fault) -> [CacheEviction.Entry] {
        var entries: [CacheEviction.Entry] = []
        for name in try directoryNames(folder) {
            let isPart = name.hasPrefix(Self.partPrefix)
            guard isPart || Digest(hexadecimal: name) != nil else { continue }
            if isPart, removeIfIdle(name) { continue }
            var status = stat()
            guard lstat(folder + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            entries.append(
                CacheEviction.Entry(
                    name: name, byteCount: Int(status.st_size),
                    lastUsed: Int(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(status.st_mtim.tv_nsec),
                    isInUse: isPart))
        }
        return entries
    }

    /// Removes what is needed, and makes a file of that size under a temporary name, locked.
    ///
    /// - Throws: `Fault` when the disk is full of other things.
    func room(for file: CachedFile, limit: Int) throws(Fault) -> Room {
        var entries = try entries()
        if entries.contains(where: { isOnItsWay($0, as: file.digest) }) { return .coming }
        while let victims = CacheEviction.victims(among: entries, need: file.byteCount, limit: limit) {
            var busy: String?
            for victim in victims where busy == nil {
                if removeIfIdle(victim.name) {
                    entries.removeAll { $0.name == victim.name }
                } else {
                    busy = victim.name
                }
            }
            guard let busy else { return .made(try begin(file, &entries)) }
            for index in entries.indices where entries[index].name == busy { entries[index].isInUse = true }
        }
        return .full
    }

    enum Room {
        case made(PartialFile)
        /// Another process is getting the same file, and gets on with it: try again.
        case coming
        /// Somebody uses what would have to go: try again.
        case full
    }

    /// Another process fetches it, and has got on of late.
    private func isOnItsWay(_ entry: CacheEviction.Entry, as digest: Digest) -> Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let age = Int(now.tv_sec) - entry.lastUsed / 1_000_000_000
        return entry.name.hasPrefix("\(Self.partPrefix)\(digest)-") && age < Self.mostSilence
    }

    /// Seconds after which a part that does not grow counts as given up.
    private static let mostSilence = 30
    private static let partPrefix = "part-"

    /// Makes the file; as long as the disk is full of what could go, more goes.
    private func begin(
        _ file: CachedFile, _ entries: inout [CacheEviction.Entry]
    ) throws(Fault) -> PartialFile {
        var number = 0
        var path: String
        repeat {
            path = "\(folder)/\(Self.partPrefix)\(file.digest)-\(getpid())-\(number)"
            number += 1
        } while pathExists(path)
        let made = try Descriptor(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        guard try made.lock() else { throw Fault(.internal, path, "is locked, though nobody knows of it") }
        let partial = PartialFile(file, made)
        while true {
            do throws(Fault) {
                try partial.reserve()
                return partial
            } catch {
                guard error.code == .stoppedEarly, removeOne(of: &entries) else {
                    unlink(path)
                    throw error
                }
            }
        }
    }

    private func removeOne(of entries: inout [CacheEviction.Entry]) -> Bool {
        for entry in CacheEviction.idle(entries) {
            entries.removeAll { $0.name == entry.name }
            if removeIfIdle(entry.name) { return true }
        }
        return false
    }

    /// - Returns: Whether it is gone: nobody had it locked.
    private func removeIfIdle(_ name: String) -> Bool {
        let path = folder + "/" + name
        // For writing: network file systems lock nothing else exclusively.
        guard let file = try? Descriptor(path, O_RDWR) else { return !pathExists(path) }
        guard (try? file.lock()) == true else { return false }
        return unlink(path) == 0 || errno == ENOENT
    }
}

import Faults
import Storage
import Synchronization

/// Shards that are in a folder as far as it has good copies of them, and are pulled from others into a cache where not.
final class PulledShards: ShardSource {
    /// A shard of the cache, open and locked while anybody reads it.
    private final class Opened: Sendable {
        let environment: LMDBEnvironment
        let held: HeldFile

        init(_ held: HeldFile) throws(Fault) {
            environment = try LMDBEnvironment(sealed: held.path)
            self.held = held
        }
    }

    private enum Local: Sendable {
        case unknown
        case good(LMDBEnvironment)
        case none
    }

    private struct State: Sendable {
        var local: [Local]
        /// By number, with how many threads read it.
        var opened: [Int: (shard: Opened, readers: Int)] = [:]
    }

    private let shards: [Manifest.Shard]
    private let split: String
    private let folder: String?
    private let pulling: ShardPulling
    private let state: Mutex<State>

    /// - Parameters:
    ///   - folder: Of the split on this machine, if there is one; it may lack shards.
    /// - Throws: `Fault.usage` when a shard is missing and the cache too small for it.
    init(_ shards: [Manifest.Shard], split: String, folder: String?, _ pulling: ShardPulling) throws(Fault) {
        self.shards = shards
        self.split = split
        self.folder = folder
        self.pulling = pulling
        var missing = 0
        for shard in shards where !Self.isThere(shard, folder) {
            missing += 1
            try pulling.cache().require(shard.cached(split))
        }
        state = Mutex(State(local: Array(repeating: folder == nil ? .none : .unknown, count: shards.count)))
        if missing > 0, let folder {
            pulling.note("\(folder) lacks \(missing) of \(shards.count) shards: they are pulled from others")
        }
    }

    private static func isThere(_ shard: Manifest.Shard, _ folder: String?) -> Bool {
        guard let folder else { return false }
        return (try? fileSize(folder + "/" + shard.file)) == shard.byteCount
    }

    func withShard<Result>(_ number: Int, _ body: (LMDBEnvironment) throws -> Result) throws -> Result {
        var tries = 0
        while true {
            tries += 1
            do { return try withCopy(number, body) } catch let damaged as DamagedRecord {
                guard tries < Self.mostCopies else { throw damaged }
            }
        }
    }

    /// How many copies of a shard are tried for one video.
    private static let mostCopies = 3

    /// With the best copy that there is; one that turns out to be damaged is not given again.
    private func withCopy<Result>(_ number: Int, _ body: (LMDBEnvironment) throws -> Result) throws -> Result {
        if let local = local(number) {
            do { return try body(local) } catch let damaged as DamagedRecord {
                giveUp(number, damaged.fault)
                throw damaged
            }
        }
        let opened = try acquire(number)
        defer { release(number, opened) }
        do { return try body(opened.environment) } catch let damaged as DamagedRecord {
            try drop(number, opened, damaged.fault)
            throw damaged
        }
    }

    private func drop(_ number: Int, _ opened: Opened, _ fault: Fault) throws(Fault) {
        let isFirst = state.withLock { state in
            guard state.opened[number]?.shard === opened else { return false }
            state.opened[number] = nil
            return true
        }
        guard isFirst else { return }
        pulling.note("\(fault.thing): \(fault.reason); it is dropped from the cache and pulled again")
        try pulling.cache().drop(opened.held)
    }

    func path(_ number: Int) -> String? {
        let isLocal = state.withLock { state in if case .none = state.local[number] { false } else { true } }
        if isLocal, let folder { return folder + "/" + shards[number].file }
        guard let path = try? pulling.cache().path(of: shards[number].digest), pathExists(path) else { return nil }
        return path
    }

    /// The folder's copy; looked at when it is needed first.
    private func local(_ number: Int) -> LMDBEnvironment? {
        switch state.withLock({ $0.local[number] }) {
        case .good(let environment): return environment
        case .none: return nil
        case .unknown: break
        }
        guard let folder, Self.isThere(shards[number], folder) else {
            state.withLock { $0.local[number] = .none }
            return nil
        }
        do throws(Fault) {
            let environment = try FolderShards.open(shards[number], folder)
            return state.withLock { state in
                // Another thread may have found it damaged meanwhile.
                guard case .unknown = state.local[number] else {
                    if case .good(let other) = state.local[number] { return other }
                    return nil
                }
                state.local[number] = .good(environment)
                return environment
            }
        } catch {
            giveUp(number, error)
            return nil
        }
    }

    /// The folder's copy is of no use any more.
    private func giveUp(_ number: Int, _ fault: Fault) {
        let isNew = state.withLock { state in
            if case .none = state.local[number] { return false }
            state.local[number] = .none
            return true
        }
        if isNew {
            pulling.note("\(fault.thing): \(fault.reason); this copy is left alone and another pulled from others")
        }
    }

    private func acquire(_ number: Int) throws(Fault) -> Opened {
        if let opened = reuse(number) { return opened }
        let cache = try pulling.cache()
        let held = try cache.hold(shards[number].cached(split), fill: pulling.fetch)
        let opened: Opened
        do throws(Fault) { opened = try Opened(held) } catch {
            cache.drop(held)
            throw error
        }
        return state.withLock { state in
            // Two threads may have opened it at the same time.
            let shard = state.opened[number]?.shard ?? opened
            state.opened[number] = (shard, (state.opened[number]?.readers ?? 0) + 1)
            return shard
        }
    }

    private func reuse(_ number: Int) -> Opened? {
        state.withLock { state in
            guard let (shard, readers) = state.opened[number] else { return nil }
            state.opened[number] = (shard, readers + 1)
            return shard
        }
    }

    private func release(_ number: Int, _ opened: Opened) {
        state.withLock { state in
            // One that was dropped is not in the table any more.
            guard let (shard, readers) = state.opened[number], shard === opened else { return }
            state.opened[number] = readers > 1 ? (shard, readers - 1) : nil
        }
    }
}

public import Faults
import Glibc
import Protocol
import Storage
import Wire

/// The directory of a run, held by one coordinator at a time.
///
///     recipe.toml   the resolved recipe
///     dataset.toml  which clips: how many, and their digest
///     endpoint      where the coordinator listens
///     lock          held by the coordinator, with its words
///     generation    how many coordinators the run has had, and the run's own number
///     ledger/       what happened at each step (`StepLedger`)
///     checkpoints/  whole states of the model (`CheckpointStore`)
public final class RunDirectory {
    public let path: String
    /// The run's own number, drawn at its start.
    public let run: UInt64
    /// What to ask before anything is made final.
    public let fence: RunFence
    /// 1 for the first coordinator of the run; a higher one knows that the lower are gone, or will end by themselves.
    public var generation: UInt64 { fence.generation }

    /// The right to begin a generation, while the run is still as it was: whatever else a coordinator needs and may not
    /// get is to be had between this and the beginning.
    public struct Claim {
        fileprivate let path: String
        /// Held already, unless it may have to be taken from another.
        fileprivate let lock: LockFile?

        /// Makes the directory where there is none.
        ///
        /// - Parameter takingOver: Begin even though another coordinator holds the directory: it is hung, or stopped, or on
        ///   a machine that nobody reaches. When it wakes up it finds that it has lost the run and ends.
        /// - Throws: `Fault` when another coordinator holds it, and it is not to be taken over.
        public init(_ path: String, takingOver: Bool = false) throws(Fault) {
            self.path = path
            try makeDirectories(path)
            lock = takingOver ? nil : try Self.lock(path, takingOver: false)
        }

        fileprivate static func lock(_ path: String, takingOver: Bool) throws(Fault) -> LockFile {
            do throws(Fault) {
                return try LockFile(
                    path + "/lock", holder: "process \(getpid()) on \(hostName())", takingOver: takingOver)
            } catch {
                guard error.code == .usage, error.reason.hasPrefix("is held by") else { throw error }
                throw Fault(
                    .usage, error.thing, error.reason,
                    mend: "wait until it ends; if it hangs or nobody reaches its machine, --take-over fences it off")
            }
        }
    }

    /// Opens the directory, or makes it, and begins a generation.
    /// - Throws: `Fault` when another coordinator holds it, or its files are not a run's.
    public convenience init(_ path: String, takingOver: Bool = false) throws(Fault) {
        try self.init(Claim(path, takingOver: takingOver))
    }

    /// Begins a generation.
    /// - Throws: `Fault` when another coordinator is quicker, or the directory's files are not a run's.
    public init(_ claim: Claim) throws(Fault) {
        path = claim.path
        let lock = if let held = claim.lock { held } else { try Claim.lock(path, takingOver: true) }
        let earlier = try GenerationFile(reading: path)
        run = earlier?.run ?? UInt64.random(in: 1...UInt64.max)
        let stamp = GenerationFile(
            generation: (earlier?.generation ?? 0) + 1, run: run, holder: UInt64.random(in: 1...UInt64.max))
        fence = RunFence(path: path, stamp: stamp, lock: lock)
        // Another one may be taking over from us at this moment: it must not find its number lowered.
        guard try lock.isInPlace else {
            throw Fault(.internal, path + "/lock", "another coordinator has taken over at this moment")
        }
        try stamp.write(to: path)
        try fence.check()
    }

    /// The recipe that the run was begun with, or `nil` for a new run.
    public func recipe() throws(Fault) -> String? {
        let file = path + "/recipe.toml"
        guard pathExists(file) else { return nil }
        return String(decoding: try readWhole(file, limit: 16 << 20), as: UTF8.self)
    }

    public func write(recipe: String) throws(Fault) { try writeWhole(recipe, to: path + "/recipe.toml") }

    /// Says where the coordinator listens, for those who want to join.
    public func write(endpoint: String) throws(Fault) { try writeWhole(endpoint + "\n", to: path + "/endpoint") }

    /// Whether a coordinator has ever begun the run in `path`; also where the disk does not say.
    public static func isBegun(_ path: String) -> Bool {
        do throws(Fault) { return try GenerationFile(reading: path) != nil } catch { return true }
    }

    /// Where the coordinator of the run in `path` listens, or last listened.
    public static func endpoint(of path: String) throws(Fault) -> String {
        let text = String(decoding: try readWhole(path + "/endpoint", limit: 4096), as: UTF8.self)
        return String(text.prefix { !$0.isNewline })
    }

}

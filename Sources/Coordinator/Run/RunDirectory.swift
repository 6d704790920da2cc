public import Faults
import Glibc
import Protocol
import Storage
import Wire

/// The directory of a run, held by one coordinator at a time.
///
///     recipe.toml   the resolved recipe
///     endpoint      where the coordinator listens
///     lock          held by the coordinator, with its words
///     generation    how many coordinators the run has had, and the run's own number
///     ledger/       what happened at each step (`StepLedger`)
///     checkpoints/  whole states of the model (`CheckpointStore`)
public final class RunDirectory {
    public let path: String
    /// 1 for the first coordinator of the run; a higher one knows that the lower are gone.
    public let generation: UInt64
    /// The run's own number, drawn at its start.
    public let run: UInt64
    private let lock: LockFile

    /// Opens the directory, or makes it, and begins a generation.
    ///
    /// - Throws: `Fault` when another coordinator holds it, or its files are not a run's.
    public init(_ path: String) throws(Fault) {
        self.path = path
        try makeDirectories(path)
        lock = try LockFile(path + "/lock", holder: "process \(getpid()) on \(hostName())")
        let earlier = try Self.readGeneration(path)
        generation = (earlier?.generation ?? 0) + 1
        run = earlier?.run ?? UInt64.random(in: 1...UInt64.max)
        try writeWhole("generation \(generation)\nrun \(String(run, radix: 16))\n", to: path + "/generation")
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

    /// Where the coordinator of the run in `path` listens, or last listened.
    public static func endpoint(of path: String) throws(Fault) -> String {
        let text = String(decoding: try readWhole(path + "/endpoint", limit: 4096), as: UTF8.self)
        return String(text.prefix { !$0.isNewline })
    }

    /// Nobody has begun a later generation: to be asked before anything is made final.
    ///
    /// The lock says the same where locks work; on shared file systems they may be lost.
    static func check(generation: UInt64, in path: String) throws(Fault) {
        let found = try readGeneration(path)?.generation
        guard found == generation else {
            throw Fault(
                .internal, path + "/generation",
                "generation \(found.map(String.init) ?? "none") has taken over from \(generation)",
                mend: "this coordinator ends; the newer one goes on")
        }
    }

    private static func readGeneration(_ path: String) throws(Fault) -> (generation: UInt64, run: UInt64)? {
        let file = path + "/generation"
        guard pathExists(file) else { return nil }
        let text = String(decoding: try readWhole(file, limit: 4096), as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 4, words[0] == "generation", words[2] == "run", let generation = UInt64(words[1]),
            generation < .max, let run = UInt64(words[3], radix: 16)
        else {
            throw Fault(.data, file, "does not say a generation and a run", mend: "is this the directory of a run?")
        }
        return (generation, run)
    }
}

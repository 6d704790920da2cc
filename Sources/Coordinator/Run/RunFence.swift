public import Faults
import Storage

/// The right of one coordinator to make something final in a run's directory, asked anew each time.
///
/// Two things say who has it: the file under the name `lock` is the one that this coordinator has locked, and
/// `generation` says what it wrote there. Either alone would do where the file system keeps its word; on shared file
/// systems locks may be lost, and a process may be stopped for hours between any two of its instructions.
public struct RunFence: Sendable {
    let path: String
    public let generation: UInt64
    private let stamp: GenerationFile
    private let lock: LockFile

    init(path: String, stamp: GenerationFile, lock: LockFile) {
        self.path = path
        generation = stamp.generation
        self.stamp = stamp
        self.lock = lock
    }

    /// To be called before anything is made final, and after it before anybody is told.
    ///
    /// - Throws: `Fault.internal`, which ends the process with 70, when another coordinator has the run now; another
    ///   `Fault` when the directory cannot be read.
    public func check() throws(Fault) {
        if let broken = try broken() { throw broken }
    }

    /// What `check` throws when another coordinator has the run, and nothing otherwise.
    func broken() throws(Fault) -> Fault? {
        let found = try GenerationFile(reading: path)
        if found != stamp {
            let other = found.map { $0.generation == generation ? "another of its number" : "\($0.generation)" }
            return fault("generation \(other ?? "none") has taken over from generation \(generation)")
        }
        guard try lock.isInPlace else {
            return fault("the lock of generation \(generation) is gone: another coordinator is taking over")
        }
        return nil
    }

    private func fault(_ reason: String) -> Fault {
        Fault(.internal, path, reason, mend: "this coordinator ends; the newer one goes on")
    }
}

/// `RUN/generation`: how many coordinators the run has had, the run's own number, and a number that the newest drew.
struct GenerationFile: Equatable, Sendable {
    var generation: UInt64
    var run: UInt64
    /// Tells two coordinators apart that began at the same moment where locks do not work; 0 in files of old releases.
    var holder: UInt64

    private static func path(_ run: String) -> String { run + "/generation" }

    func write(to run: String) throws(Fault) {
        try writeWhole(
            "generation \(generation)\nrun \(String(self.run, radix: 16))\nholder \(String(holder, radix: 16))\n",
            to: Self.path(run))
    }

    init(generation: UInt64, run: UInt64, holder: UInt64) {
        self.generation = generation
        self.run = run
        self.holder = holder
    }

    /// `nil` when there is none.
    init?(reading run: String) throws(Fault) {
        let file = Self.path(run)
        // A disk that will not say is no run without a generation.
        guard try fileKind(file) != .other else { return nil }
        let text = String(decoding: try readWhole(file, limit: 4096), as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 4 || words.count == 6, words[0] == "generation", words[2] == "run",
            let generation = UInt64(words[1]), generation < .max, let number = UInt64(words[3], radix: 16),
            let holder = words.count == 4 ? 0 : words[4] == "holder" ? UInt64(words[5], radix: 16) : nil
        else {
            throw Fault(.data, file, "does not say a generation and a run", mend: "is this the directory of a run?")
        }
        self.init(generation: generation, run: number, holder: holder)
    }
}

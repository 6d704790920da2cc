public import Faults
import Storage
import Training
import Wire

/// Whether a run's ledger and each of its checkpoints are whole: reads every byte, changes none, takes no lock.
///
/// The run may be in progress: what its coordinator removes or replaces meanwhile is not counted against it.
public struct RunVerification: Sendable {
    public struct Checkpoint: Sendable {
        public var version: Int
        /// Chunks whose digests are right.
        public var wholeChunks: Int
        public var problems: [Fault]
    }

    /// Steps in the ledger, as far as it is whole.
    public private(set) var steps = 0
    /// What counts for nothing: a torn end, or what came late from a coordinator that was fenced off.
    public private(set) var ignoredBytes = 0
    public private(set) var ledgerProblem: Fault?
    /// By version.
    public private(set) var checkpoints: [Checkpoint] = []

    /// Everything that is wrong.
    public var problems: [Fault] { [ledgerProblem].compactMap { $0 } + checkpoints.flatMap(\.problems) }

    /// - Parameter layout: Of the run's model.
    /// - Throws: `Fault` when there is no run in `path`.
    public init(run path: String, layout: CheckpointLayout) throws(Fault) {
        guard let number = try GenerationFile(reading: path)?.run else {
            throw Fault(.usage, path, "is not the folder of a run")
        }
        // Versions first: the ledger always reaches the checkpoints that are there before it is read.
        let versions = try CheckpointStore.versions(run: path)
        var records: [LedgerRecord] = []
        (records, ignoredBytes, ledgerProblem) = Self.ledger(path)
        if ledgerProblem != nil {
            // A coordinator may have begun a segment between two looks.
            (records, ignoredBytes, ledgerProblem) = Self.ledger(path)
        }
        steps = records.count
        for version in versions {
            var found = Self.inspect(path, version, layout, run: number, records, ledgerIsWhole: ledgerProblem == nil)
            if !found.problems.isEmpty, pathExists(CheckpointStore.path(run: path, version: version)) {
                found = Self.inspect(path, version, layout, run: number, records, ledgerIsWhole: ledgerProblem == nil)
            }
            if pathExists(CheckpointStore.path(run: path, version: version)) { checkpoints.append(found) }
        }
    }

    private static func ledger(_ run: String) -> (records: [LedgerRecord], ignored: Int, problem: Fault?) {
        let path = StepLedger.path(run: run)
        guard pathExists(path) else { return ([], 0, Fault(.data, path, "is not there")) }
        var records: [LedgerRecord] = []
        do throws(Fault) {
            let reading = try StepLedger.read(directory: path, into: &records)
            return (records, reading.ignoredBytes, nil)
        } catch {
            return (records, 0, error)
        }
    }

    private static func inspect(
        _ run: String, _ version: Int, _ layout: CheckpointLayout, run number: UInt64, _ ledger: [LedgerRecord],
        ledgerIsWhole: Bool
    ) -> Checkpoint {
        let path = CheckpointStore.path(run: run, version: version)
        var checkpoint = Checkpoint(version: version, wholeChunks: 0, problems: [])
        func attempt(_ body: () throws(Fault) -> Void) {
            do throws(Fault) { try body() } catch { checkpoint.problems.append(error) }
        }
        attempt { () throws(Fault) in
            let reader = try CheckpointReader(path, version: version, layout)
            if reader.manifest.run != String(number, radix: 16) {
                checkpoint.problems.append(Fault(.data, path, "belongs to another run"))
            }
            let pool = PayloadPool()
            for chunk in layout.plan.chunks {
                attempt { () throws(Fault) in
                    _ = try reader.state(of: chunk.number, pool)
                    checkpoint.wholeChunks += 1
                }
            }
        }
        attempt { () throws(Fault) in
            let copy = try CheckpointReader.ledger(path, version: version)
            for (mine, its) in zip(ledger, copy) where !mine.outcome.matches(its.outcome) {
                throw Fault(.data, path + "/ledger", "has another step \(its.outcome.step) than the run's ledger")
            }
            if ledgerIsWhole, ledger.count < version {
                throw Fault(
                    .data, StepLedger.path(run: run), "ends at step \(ledger.count), before checkpoint \(version)",
                    mend: "the next coordinator restores it from that checkpoint")
            }
        }
        return checkpoint
    }
}

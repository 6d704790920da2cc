import Coordinator
import Faults
import Protocol
import Reporting
import Storage
import Wire

/// `RUN/metrics.jsonl`: a line for each step of the ledger, written on a thread of its own.
///
/// A step counts when its record is in the ledger; its line is written afterwards. So a coordinator that is killed owes the
/// lines of its last steps, and where the disk was full or hung, lines are missing, too. Nothing of that is for good: the
/// ledger has all that a line says, and whoever begins to coordinate the run, ends it, or finds it done, adds what is
/// missing. Lines that were added late may stand behind those of later steps, and one may stand there twice where a
/// coordinator was hung while another took the run over.
final class MetricsFile: Sendable {
    private let run: String
    private let log: Confined<MetricsLog>
    private let thread: FileThread
    /// Steps that have a line although the ledger that was found does not have them: its end was lost, and they are computed
    /// again.
    private let known: Set<Int>

    static func path(run: String) -> String { run + "/metrics.jsonl" }

    /// Adds what earlier coordinators owe. For the one who holds the run.
    init(run: String) throws(Fault) {
        self.run = run
        known = Self.complete(run: run)
        log = Confined(try MetricsLog(path: Self.path(run: run)))
        thread = FileThread(Self.path(run: run))
    }

    /// From any thread; returns at once.
    func append(_ record: LedgerRecord) {
        guard !known.contains(record.outcome.step) else { return }
        thread.post { [log] in
            if let fault = log.value.append(record.metrics) { standardError("zoetrope: \(fault)\n") }
        }
    }

    /// Waits until all lines are written, and adds those that could not be.
    func finish(_ ending: Ending) {
        thread.finish()
        // Whoever has lost the run leaves the file to the other.
        if ending.code != Fault.Code.internal.rawValue { Self.complete(run: run) }
    }

    /// Adds the lines that the run's ledger has and the file has not. For the one who holds the run: another's would stand
    /// there twice. What goes wrong is told and costs lines, not the training.
    /// - Returns: the steps that have a line although the ledger does not have them; where it cannot be read, all that have.
    @discardableResult
    static func complete(run: String) -> Set<Int> {
        let path = Self.path(run: run)
        var written: Set<Int> = []
        do throws(Fault) {
            written = try MetricsLog.steps(in: path)
            let records = pathExists(run + "/ledger") ? try StepLedger.read(run: run) : []
            let missing = records.indices.filter { !written.contains($0) }
            if !missing.isEmpty {
                let log = try MetricsLog(path: path)
                for step in missing { if let fault = log.append(records[step].metrics) { throw fault } }
                standardError("zoetrope: \(path): lines that were missing, added from the ledger: \(missing.count)\n")
            }
            return written.filter { $0 >= records.count }
        } catch {
            standardError("zoetrope: \(path) may lack lines of steps: \(error)\n")
            return written
        }
    }
}

extension LedgerRecord {
    /// Its line of `metrics.jsonl`.
    fileprivate var metrics: JSON {
        let point = StepPoint(self)
        return [
            "step": .integer(point.step), "loss": .number(point.loss), "accuracy": .number(point.accuracy),
            "learning_rate": .number(point.learningRate), "gradient_norm": .number(point.gradientNorm),
            "clips": .integer(point.clips), "seconds": .number(point.seconds),
            "clips_per_s": .number(point.clipsPerSecond), "workers": .integer(workers),
            "substitutes": .integer(outcome.substitutes.count), "skipped": .boolean(point.isSkipped),
            "generation": .integer(Int(generation)),
        ]
    }
}

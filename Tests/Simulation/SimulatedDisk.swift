import Coordinator
import Training
import Wire

/// The run directory of a simulated run: what is durable, and what a crash takes away.
struct SimulatedDisk {
    var ledger: [LedgerRecord] = []
    /// Whole checkpoints, by version and chunk.
    var checkpoints: [Int: [Int: [[Float]]]] = [:]
    var unfinished: (version: Int, chunks: [Int: [[Float]]])?
    /// A record being written.
    var tail: LedgerRecord?
    private var hasInitialCheckpoint = false

    /// There is a checkpoint before the first step.
    mutating func begin(from problem: Problem) {
        hasInitialCheckpoint = true
        checkpoints[0] = Dictionary(
            uniqueKeysWithValues: problem.plan.chunks.map { chunk in
                (chunk.number, problem.firstState(of: chunk, weights: problem.checkpointedWeights(chunk)))
            })
    }

    /// The machine stops: the record being written is there whole or torn off, the unfinished checkpoint is swept away.
    /// - Parameter lies: fsync said yes to the last record, and yet it is gone.
    mutating func crash(tailSurvives: Bool, lies: Bool) {
        if let tail, tailSurvives { ledger.append(tail) }
        tail = nil
        unfinished = nil
        if lies, !ledger.isEmpty { ledger.removeLast() }
    }

    /// The ledger's folder is gone; what the newest checkpoint holds of it comes back.
    mutating func loseLedger() {
        let kept = checkpoints.keys.filter { $0 <= ledger.count }.max() ?? 0
        ledger.removeLast(ledger.count - kept)
    }

    var history: RunHistory {
        let checkpoint = checkpoints.keys.filter { $0 <= ledger.count }.max() ?? 0
        return RunHistory(
            checkpoint: checkpoint, ledgerCount: ledger.count, outcomes: ledger[checkpoint...].map(\.outcome),
            hasInitialCheckpoint: hasInitialCheckpoint, computedWith: ledger.computedWith)
    }
}

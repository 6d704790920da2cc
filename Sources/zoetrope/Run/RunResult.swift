import Coordinator
import Faults
import Reporting
import Storage
import Wire

/// What a finished run says: derived from its folder, so that it can be said again.
struct RunResult {
    let steps: Int
    let epochs: Double
    let loss: Double
    let weightsSHA256: String
    let clipsPerSecond: Double
    let workers: Int
    let substitutes: Int

    /// `nil` when the run in `path` is not finished, or its ledger or last checkpoint is damaged: training makes it again.
    init?(run path: String, preparation: RunPreparation) throws(Fault) {
        guard pathExists(path + "/ledger") else { return nil }
        let records: [LedgerRecord]
        do throws(Fault) { records = try StepLedger.read(run: path) } catch {
            // Whoever coordinates the run restores it, or says why not.
            guard error.code == .data else { throw error }
            return nil
        }
        guard let last = records.last, records.count == preparation.steps,
            try CheckpointStore.newestWhole(run: path, layout: preparation.job.layout(), skipped: { _, _ in })
                == preparation.steps
        else { return nil }
        steps = records.count
        epochs = preparation.epochs(steps)
        loss = last.outcome.loss
        weightsSHA256 = try CheckpointStore.weightsSHA256(run: path, version: steps)
        let seconds = records.reduce(0) { $0 + $1.seconds }
        clipsPerSecond = seconds > 0 ? Double(records.reduce(0) { $0 + $1.outcome.clips }) / seconds : 0
        workers = last.workers
        substitutes = records.reduce(0) { $0 + $1.outcome.substitutes.count }
    }

    var json: JSON {
        [
            "steps": .integer(steps), "epochs": .number(epochs), "loss": .number(loss),
            "weights_sha256": .string(weightsSHA256), "clips_per_s": .number(clipsPerSecond),
            "workers": .integer(workers), "substitutes": .integer(substitutes),
        ]
    }

    var text: String {
        "\(steps) steps, \(hundredths(epochs)) epochs, loss \(hundredths(loss)), \(hundredths(clipsPerSecond)) clips/s"
            + (substitutes > 0 ? ", \(substitutes) substitutes (see the ledger)" : "")
            + "\nweights sha256 \(weightsSHA256)"
    }
}

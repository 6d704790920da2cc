import Coordinator
import Faults
import Foundation
import Protocol
import Reporting
import Wire

/// What a coordinator's run looks like from outside: a progress bar, log lines, metrics.jsonl. Whoever tells it something waits
/// neither for the disk nor, once stderr is detached, for the terminal.
final class RunReport: @unchecked Sendable {  // called on the coordinator's socket thread only
    private let metrics: MetricsFile
    private let steps: Int
    private let clock = MonotonicClock()
    private var bar: ProgressBar?
    private var rate = 0.0
    private var loss: Double?
    private var substituted: Set<Int> = []

    init(run: String, steps: Int) throws(Fault) {
        metrics = try MetricsFile(run: run)
        self.steps = steps
    }

    var observer: CoordinatorShell.Observer {
        CoordinatorShell.Observer(
            committed: { [self] record, replayed in tell(record, replayed: replayed) },
            note: { [self] note in tell(note) },
            refused: { fault in standardError("zoetrope: \(fault)\n") })
    }

    /// The run has ended: waits until the files say so.
    func finish(_ ending: Ending) { metrics.finish(ending) }

    private func tell(_ record: LedgerRecord, replayed: Bool) {
        let outcome = record.outcome
        let now = clock.now
        // A step that is replayed is shown once more, and is no further one.
        if bar == nil { bar = ProgressBar("step", total: steps, first: outcome.step, now: now - record.seconds) }
        let speed = record.seconds > 0 ? Double(outcome.clips) / record.seconds : 0
        rate = rate == 0 ? speed : 0.9 * rate + 0.1 * speed
        // One that is not finite would be all that is ever shown again.
        if outcome.loss.isFinite { loss = loss.map { 0.9 * $0 + 0.1 * outcome.loss } ?? outcome.loss }
        bar?.update(
            outcome.step + 1,
            "loss \(hundredths(loss ?? outcome.loss))  \(hundredths(rate)) clips/s" + (replayed ? "  replay" : ""),
            now: now)
        // Each clip once; the ledger has every occasion.
        for substitute in outcome.substitutes where substituted.insert(substitute.wanted).inserted {
            standardError(
                "zoetrope: \(substitute.reason); clip \(substitute.used) stands in for clip \(substitute.wanted)\n")
        }
        if !replayed { metrics.append(record) }
    }

    private func tell(_ note: ClusterNote) {
        guard let line = note.line else { return }
        standardError("zoetrope: \(line)\n")
    }
}

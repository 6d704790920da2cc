import Coordinator
import Faults
import Foundation
import Protocol
import Reporting
import Wire

/// What a coordinator's run looks like from outside: a progress bar, log lines, metrics.jsonl.
final class RunReport: @unchecked Sendable {  // called on the coordinator's socket thread only
    private let metrics: MetricsLog
    private let steps: Int
    private let clock = MonotonicClock()
    private var bar: ProgressBar?
    private var rate = 0.0
    private var loss: Double?
    private var committed = 0
    private var substituted: Set<Int> = []

    init(run: String, steps: Int) throws(Fault) {
        metrics = try MetricsLog(path: run + "/metrics.jsonl")
        self.steps = steps
    }

    var observer: CoordinatorShell.Observer {
        CoordinatorShell.Observer(
            committed: { [self] record, replayed in tell(record, replayed: replayed) },
            note: { [self] note in tell(note) },
            refused: { fault in standardError("zoetrope: \(fault)\n") })
    }

    private func tell(_ record: LedgerRecord, replayed: Bool) {
        let outcome = record.outcome
        let now = clock.now
        if bar == nil { bar = ProgressBar("step", total: steps - outcome.step, now: now - record.seconds) }
        committed += 1
        let speed = record.seconds > 0 ? Double(outcome.clips) / record.seconds : 0
        rate = rate == 0 ? speed : 0.9 * rate + 0.1 * speed
        loss = loss.map { 0.9 * $0 + 0.1 * outcome.loss } ?? outcome.loss
        bar?.update(
            committed,
            "loss \(hundredths(loss ?? outcome.loss))  \(hundredths(rate)) clips/s" + (replayed ? "  replay" : ""),
            now: now)
        // Each clip once; the ledger has every occasion.
        for substitute in outcome.substitutes where substituted.insert(substitute.wanted).inserted {
            standardError(
                "zoetrope: \(substitute.reason); clip \(substitute.used) stands in for clip \(substitute.wanted)\n")
        }
        if !replayed {
            metrics.append([
                "step": .integer(outcome.step), "loss": .number(outcome.loss),
                "accuracy": .number(Double(outcome.correct) / Double(max(1, outcome.clips))),
                "learning_rate": .number(Double(outcome.rate)), "gradient_norm": .number(outcome.gradientNorm),
                "clips": .integer(outcome.clips), "seconds": .number(record.seconds), "clips_per_s": .number(speed),
                "workers": .integer(record.workers), "substitutes": .integer(outcome.substitutes.count),
                "skipped": .boolean(outcome.skipped), "generation": .integer(Int(record.generation)),
            ])
        }
    }

    private func tell(_ note: ClusterNote) {
        guard let line = Self.line(note) else { return }
        standardError("zoetrope: \(line)\n")
    }

    private static func line(_ note: ClusterNote) -> String? {
        switch note {
        case .joined(_, let name, let host): "worker \(name) on \(host) joined"
        case .refused(let name, let host, let reason): "worker \(name) on \(host) was refused: \(reason)"
        case .left(_, let name, let reason): "worker \(name) left: \(reason)"
        case .died(_, let name, let reason): "worker \(name) is dead: \(reason)"
        case .mapChanged(let number, let version, let owners, let reason):
            "map \(number): \(owners) owners at version \(version): \(reason)"
        case .promoted(let map, let revision, let chunks, let alone):
            "map \(map), revision \(revision): buddies own \(chunks) chunks of the dead and the step goes on"
                + (alone == 0 ? "" : "; \(alone) chunks have no buddy until the next step")
        case .replicasDiffer(let divergence):
            "ALARM: two keepers of chunk \(divergence.chunk) have different bits at version \(divergence.version): "
                + "\(String(divergence.owner, radix: 16)) and \(String(divergence.buddy, radix: 16)); one of them is broken"
        case .recalled(let step): "step \(step) was missing in the ledger; a worker had its record"
        case .rolledBack(let from, let to): "rolled back from step \(from) to step \(to), replaying"
        case .reissued(let step, let block, _): "step \(step): block \(block) is computed again elsewhere"
        case .alarm(let alarm):
            "ALARM: two workers computed different bits of step \(alarm.step), block \(alarm.block), chunk \(alarm.chunk): "
                + "\(String(alarm.first, radix: 16)) and \(String(alarm.second, radix: 16)); one of them is broken"
        case .recordsDiffer(let step, let unit, let who):
            "ALARM: worker \(String(who, radix: 16)) reports another loss for unit \(unit) of step \(step) than another did"
        case .blockFailed(let step, let block, let worker, let reason):
            "worker \(worker) cannot compute block \(block) of step \(step): \(reason)"
        case .waiting(let what): "waiting: \(what)"
        case .checkpoint: nil
        case .checkpointFailed(let version, let reason): "checkpoint at step \(version) failed: \(reason)"
        case .storage(let what): "ALARM: \(what)"
        }
    }
}

import Coordinator
import Faults
import Kernels
import Protocol
import Reporting
import Synchronization
import Training
import Wire

/// Looks on while a run goes, for the page and for Prometheus: the coordinator's thread tells, others take copies.
final class RunMonitor: Sendable {
    private let metrics: Mutex<RunMetrics>

    init(_ facts: RunFacts) { metrics = Mutex(RunMetrics(facts, now: wallClock())) }

    /// Takes in what earlier coordinators of the run have told; before anything else is.
    /// - Parameter run: The folder, whose `metrics.jsonl` has their steps.
    func restore(run: String) throws(Fault) {
        var metrics = snapshot
        var points: [StepPoint] = []
        try MetricsLog.read(MetricsFile.path(run: run)) { line in
            if let point = StepPoint(line: line) { points.append(point) }
        }
        metrics.restore(points)
        var best = -Double.infinity
        for result in try ValidationLog(run: run).results {
            metrics.restore(.init(step: result.step, videoTop1: result.videoTop1, isBest: result.videoTop1 > best))
            best = max(best, result.videoTop1)
        }
        metrics.happened(.started, "this coordinator began", now: metrics.began)
        self.metrics.withLock { $0 = metrics }
    }

    /// As it is now.
    var snapshot: RunMetrics { metrics.withLock { $0 } }

    /// Hears of everything but notes, besides whoever hears of it already.
    func watch(_ observer: inout CoordinatorShell.Observer) {
        observer.committed = { [self, committed = observer.committed] record, isReplayed in
            committed(record, isReplayed)
            self.committed(record, isReplayed: isReplayed)
        }
        observer.refused = { [self, refused = observer.refused] fault in
            refused(fault)
            self.refused(fault)
        }
        observer.status = { [self] in observed($0) }
    }

    private func committed(_ record: LedgerRecord, isReplayed: Bool) {
        let point = StepPoint(record)
        metrics.withLock { metrics in
            metrics.committed(point, isReplayed: isReplayed, now: wallClock())
            for substitute in record.outcome.substitutes where !isReplayed {
                metrics.happened(
                    .substituted,
                    "\(substitute.reason); clip \(substitute.used) stands in for clip \(substitute.wanted)",
                    now: wallClock())
            }
        }
    }

    func noted(_ note: ClusterNote) {
        guard let line = note.line ?? note.quietLine else { return }
        metrics.withLock { $0.happened(note.kind, line, now: wallClock()) }
    }

    func observed(_ status: ClusterStatus) { metrics.withLock { $0.observed(status, now: wallClock()) } }

    func refused(_ fault: Fault) { metrics.withLock { $0.happened(.refused, "\(fault)", now: wallClock()) } }

    func validated(step: Int, videoTop1: Double, isBest: Bool) {
        metrics.withLock { metrics in
            metrics.validated(.init(step: step, videoTop1: videoTop1, isBest: isBest))
            let best = isBest ? ", the best so far" : ""
            metrics.happened(
                .validated, "step \(step): video@1 \(hundredths(100 * videoTop1)) %\(best)", now: wallClock())
        }
    }

    func ended(_ ending: Ending) {
        metrics.withLock { $0.ended(code: ending.code, reason: ending.reason) }
    }
}

extension StepPoint {
    init(_ record: LedgerRecord) {
        let outcome = record.outcome
        self.init(
            step: outcome.step, loss: outcome.loss,
            accuracy: Double(outcome.correct) / Double(max(1, outcome.clips)), learningRate: Double(outcome.rate),
            gradientNorm: outcome.gradientNorm, clips: outcome.clips, seconds: record.seconds,
            isSkipped: outcome.skipped)
    }
}

extension RunFacts {
    init(_ preparation: RunPreparation, run: String) {
        let recipe = preparation.recipe
        let (batch, input) = (recipe.batch, recipe.input)
        self.init(
            name: run.split(separator: "/").last.map(String.init) ?? run, model: recipe.model.name,
            facts: [
                Fact("Model", "\(recipe.model.name), \(recipe.model.classes) classes"),
                Fact("Clip", "\(input.frames) frames of \(input.crop) × \(input.crop), one in \(input.samplingRate)"),
                Fact("Step", preparation.stepFact),
                Fact(
                    "Optimizer",
                    "\(recipe.optimizer.kind), rate \(recipe.optimizer.learningRate), \(recipe.schedule.kind) schedule, "
                        + "\(recipe.schedule.epochs) epochs"),
                Fact("Numerics", "\(preparation.instructionSet.rawValue), \(recipe.numerics.compute)"),
                Fact("Seed", "\(recipe.seed)"),
                Fact("Data", preparation.data),
                Fact("Clips", "\(preparation.dataSet.clips) in \(preparation.dataSet.split)"),
                Fact("Digest", preparation.dataSet.digest),
            ], recipe: preparation.resolved.toml, steps: preparation.steps, clipsPerStep: batch.clips,
            units: batch.units, epochs: preparation.epochMarks, version: Zoetrope.version, folder: run)
    }
}

extension RunPreparation {
    /// What its steps are.
    fileprivate var stepFact: String {
        guard recipe.multigrid != nil else {
            return "\(recipe.batch.units) units of \(recipe.batch.clipsPerUnit) clips"
        }
        let batches = schedule.batches.map { batch in
            "\(batch.clipsPerUnit) clips of \(batch.clip.frames)×\(batch.clip.crop)×\(batch.clip.crop)"
        }
        return "\(schedule.units) units of " + batches.joined(separator: ", or ")
    }

    /// Where the epochs stand at the phases' ends: between two the steps are alike, or take turns.
    fileprivate var epochMarks: [RunFacts.EpochMark] {
        let steps = schedule.phases.dropFirst().map(\.firstStep) + [schedule.steps]
        return steps.map { RunFacts.EpochMark(step: $0, epoch: epochs($0)) }
    }
}

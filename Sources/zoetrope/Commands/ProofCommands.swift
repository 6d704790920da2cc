import ArgumentParser
import Coordinator
import Faults
import Reporting
import Training
import Wire

/// `zoetrope audit`.
struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prove from a run's ledger that each clip of each pass over the data set was applied exactly once.",
        discussion: """
            Reads only; the run may be in progress. Exit code 65 with the first contradiction, if there is one.
            """)
    @Argument(help: "The run's folder.")
    var folder: String
    @Option(help: "The data set's folder, to be compared with the one that the run was begun with.")
    var data: String?
    @OptionGroup var result: ResultOptions

    func run() throws {
        let expected = try RunFolder(folder).expectation(data: data)
        let audit = try LedgerAudit(run: folder, expected)
        result.report(json(audit, expected), text: text(audit, expected))
    }

    private func json(_ audit: LedgerAudit, _ expected: LedgerAudit.Expectation) -> JSON {
        [
            "ok": .boolean(true), "steps": .integer(audit.steps), "steps_of_run": .integer(expected.schedule.steps),
            "clips_drawn": .integer(Int(audit.positions)), "data_set_clips": .integer(expected.clips),
            "complete_passes": .integer(Int(audit.completePasses)),
            "clips_of_last_pass": .integer(audit.clipsOfLastPass),
            "generations": .array(
                audit.generations.map {
                    [
                        "generation": .integer(Int($0.number)), "first_step": .integer($0.steps.lowerBound),
                        "last_step": .integer($0.steps.upperBound - 1),
                    ]
                }),
            "builds": .array(
                audit.builds.map { step, computedWith in
                    [
                        "first_step": .integer(step),
                        "computed_with": .object(computedWith.map { ($0.name, .string($0.value)) }),
                    ]
                }),
            "skipped_steps": .array(audit.skippedSteps.map(JSON.integer)),
            "substitutes": .array(
                audit.substitutes.map { step, it in
                    [
                        "step": .integer(step), "position": .integer(Int(it.position)), "clip": .integer(it.wanted),
                        "used": .integer(it.used), "reason": .string(it.reason),
                    ]
                }),
            "reissues": .array(
                audit.reissues.map { step, it in
                    [
                        "step": .integer(step), "units": .string("\(it.block)"),
                        "worker": .string(String(it.worker, radix: 16)),
                    ]
                }),
        ]
    }

    private func text(_ audit: LedgerAudit, _ expected: LedgerAudit.Expectation) -> String {
        var lines = [
            "\(audit.steps) of \(expected.schedule.steps) steps, positions 0 to \(audit.positions) of the stream without a gap",
            "\(audit.completePasses) passes over \(expected.clips) clips, each clip exactly once in each"
                + (audit.clipsOfLastPass > 0 ? "; of the next, \(audit.clipsOfLastPass) clips, none twice" : ""),
        ]
        lines += audit.generations.map {
            "generation \($0.number): steps \($0.steps.lowerBound) to \($0.steps.upperBound - 1)"
        }
        lines += audit.builds.map { step, computedWith in
            "from step \(step) on computed with "
                + computedWith.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
        }
        lines += audit.skippedSteps.map { "step \($0): skipped, its gradient was not finite" }
        lines += audit.substitutes.map { step, it in
            "step \(step): clip \(it.used) stood in for clip \(it.wanted) at position \(it.position): \(it.reason)"
        }
        lines += audit.reissues.map { step, it in
            "step \(step): units \(it.block) were computed again by worker \(String(it.worker, radix: 16))"
        }
        lines.append(
            "\(audit.skippedSteps.count) skipped steps, \(audit.substitutes.count) substitutes, "
                + "\(audit.reissues.count) blocks issued again; nothing contradicts")
        return lines.joined(separator: "\n")
    }
}

/// `zoetrope verify`.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prove that a run's ledger and each of its checkpoints are whole.",
        discussion: """
            Reads every byte and compares every digest; the run may be in progress. Exit code 65 when anything is damaged, \
            and everything that is damaged is named.
            """)
    @Argument(help: "The run's folder.")
    var folder: String
    @OptionGroup var result: ResultOptions

    func run() throws {
        let layout = try RunFolder(folder).job.layout()
        let found = try RunVerification(run: folder, layout: layout)
        result.report(json(found, layout), text: text(found, layout))
        guard let first = found.problems.first else { return }
        let more = found.problems.count - 1
        throw Fault(
            .data, first.thing, first.reason + (more > 0 ? " (and \(more) more)" : ""),
            mend: "a coordinator passes over what is damaged and uses the newest whole checkpoint")
    }

    private func json(_ found: RunVerification, _ layout: CheckpointLayout) -> JSON {
        [
            "ok": .boolean(found.problems.isEmpty), "ledger_steps": .integer(found.steps),
            "ledger_problem": found.ledgerProblem.map { .string("\($0)") } ?? .null,
            "ledger_ignored_bytes": .integer(found.ignoredBytes),
            "checkpoints": .array(
                found.checkpoints.map { checkpoint in
                    [
                        "step": .integer(checkpoint.version), "ok": .boolean(checkpoint.problems.isEmpty),
                        "whole_chunks": .integer(checkpoint.wholeChunks),
                        "chunks": .integer(layout.plan.chunks.count),
                        "problems": .array(checkpoint.problems.map { .string("\($0)") }),
                    ]
                }),
        ]
    }

    private func text(_ found: RunVerification, _ layout: CheckpointLayout) -> String {
        var lines = ["ledger: \(found.steps) steps" + (found.ledgerProblem.map { ", DAMAGED: \($0)" } ?? ", whole")]
        if found.ignoredBytes > 0 {
            lines.append(
                "  \(found.ignoredBytes) bytes count for nothing: torn by a crash, or late from a coordinator that was "
                    + "fenced off")
        }
        for checkpoint in found.checkpoints {
            lines.append(
                "checkpoint of step \(checkpoint.version): \(checkpoint.wholeChunks) of \(layout.plan.chunks.count) chunks "
                    + (checkpoint.problems.isEmpty ? "whole" : "whole, DAMAGED"))
            lines += checkpoint.problems.map { "  \($0)" }
        }
        if found.checkpoints.isEmpty { lines.append("no checkpoints") }
        return lines.joined(separator: "\n")
    }
}

import ArgumentParser
import Faults
import Foundation
import Launch
import Protocol
import Reporting

/// `zoetrope doctor`.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what is wrong with this machine, or between the hosts of a cluster, and how to mend it.",
        discussion: """
            With --config it visits every host of cluster.conf as 'zoetrope launch' would, with --slurm every node of the job \
            that it runs in: does it answer, with this version and instruction set; do clocks and data sets agree; is there \
            memory and disk, are ports free and keys for their owner only; how fast does it reach the coordinator's address, \
            and that the host. Nothing is left behind. Exit code 0 when nothing is wrong, 64 otherwise.
            """)
    @Option(help: "cluster.conf, with the hosts of [launch]; with --slurm it may be left out.")
    var config: String?
    @Flag(help: "The hosts are the nodes of the Slurm job that this command runs in, reached by srun.")
    var slurm = false
    @Option(
        help: "The data set's folder on the coordinator's machine, with hosts: all that have one are to have this.")
    var data: String?
    @Option(help: "Seconds of each measurement of the network, with hosts, one each way; 0 leaves it out.")
    var seconds = 2.0
    @OptionGroup var protection: SecurityOptions
    @OptionGroup var result: ResultOptions

    func validate() throws {
        guard seconds == 0 || (0.1...600).contains(seconds) else {
            throw ValidationError("--seconds \(seconds): choose 0.1 to 600, or 0")
        }
        let isAlone = config == nil && !slurm
        guard !isAlone || (data == nil && protection.keys == nil && !protection.insecure) else {
            throw ValidationError("--data, --keys and --insecure are for the hosts of a --config, or with --slurm")
        }
    }

    func run() throws {
        guard config != nil || slurm else { return try examineThisMachine() }
        let checkup = try ClusterExamination(
            config: config, slurm: slurm, data: data, keys: protection.keys, insecure: protection.insecure,
            seconds: seconds
        ).checkup()
        result.report(checkup.json, text: ([checkup.table] + checkup.lines).joined(separator: "\n"))
        guard checkup.findings.isEmpty else {
            throw Fault(
                .usage, config ?? "--slurm",
                "\(checkup.ailing.count) of \(checkup.visits.count) machines are not as they should be",
                mend: "see the lines above")
        }
    }

    private func examineThisMachine() throws {
        let findings = [MachineFinding.processor(), MachineFinding.memory()] + MachineFinding.installed()
        let lines = findings.map { finding in
            "\(finding.mend == nil ? "ok  " : "MEND") \(padded(finding.what, 11)) \(finding.value)"
                + (finding.mend.map { "\n     \($0)" } ?? "")
        }
        result.report(
            .array(
                findings.map { finding in
                    [
                        "what": .string(finding.what), "value": .string(finding.value),
                        "ok": .boolean(finding.mend == nil),
                        "mend": finding.mend.map(JSON.string) ?? .null,
                    ]
                }), text: lines.joined(separator: "\n"))
        if let wrong = findings.first(where: { $0.mend != nil }) {
            throw Fault(.usage, wrong.what, wrong.value, mend: wrong.mend ?? "")
        }
    }
}

/// `zoetrope examine-host`: what a doctor starts on each host.
struct ExamineHost: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer a doctor's questions on standard input until it ends.", shouldDisplay: false)

    func run() throws { HostExaminer(version: Zoetrope.version).run(facts: HostFacts.init) }
}

extension ClusterCheckup {
    fileprivate var json: JSON {
        [
            "machines": .array(visits.map(json)),
            "findings": .array(
                findings.map { finding in
                    [
                        "machine": .string(finding.host), "thing": .string(finding.problem.thing),
                        "reason": .string(finding.problem.reason), "mend": .string(finding.problem.mend),
                    ]
                }),
        ]
    }

    private func json(_ visit: HostVisit) -> JSON {
        let facts = visit.facts
        return [
            "machine": .string(visit.name), "ok": .boolean(!ailing.contains(visit.name)),
            "version": visit.version.map(JSON.string) ?? .null,
            "instruction_sets": facts.map { .array($0.instructionSets.map(JSON.string)) } ?? .null,
            "processors": facts.map { .integer($0.processors) } ?? .null,
            "gigaflops": facts.map { .number($0.gigaflops) } ?? .null,
            "memory_bytes": facts.map { .integer($0.availableMemory) } ?? .null,
            "disk_bytes": facts.map { .integer($0.freeDisk) } ?? .null,
            "clock_s": visit.clock.map { .number($0.seconds) } ?? .null,
            "clock_within_s": visit.clock.map { .number($0.within) } ?? .null,
            "manifests": facts?.manifests.map { manifests in
                .object(manifests.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
            } ?? .null,
            "bytes_per_s": visit.reach.map { .number($0.bytesPerSecond) } ?? .null,
            "bytes_per_s_back": visit.reach.map { .number($0.bytesPerSecondBack) } ?? .null,
            "round_trip_s": visit.reach.map { .number($0.roundTripSeconds) } ?? .null,
        ]
    }
}

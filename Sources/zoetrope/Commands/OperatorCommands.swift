import ArgumentParser
import Faults
import Protocol
import Reporting
import Wire

/// Where a coordinator listens.
struct CoordinatorAddress: ParsableArguments {
    @Option(help: "The coordinator's address: tcp://HOST:PORT, as RUN/endpoint has it.")
    var join: String
    @OptionGroup var protection: SecurityOptions

    /// What the coordinator says to `request`.
    func ask(_ request: OperatorRequest) throws(Fault) -> OperatorReply {
        let reply = try Protocol.ask(request, of: join, security: try protection.security(as: .operator))
        if case .refused(let reason) = reply { throw Fault(.usage, join, reason) }
        return reply
    }
}

/// `zoetrope status`.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Who is here, who is late, and what the step waits for.")
    @OptionGroup var coordinator: CoordinatorAddress
    @OptionGroup var result: ResultOptions

    func run() throws {
        guard case .status(let status) = try coordinator.ask(.status) else {
            throw Fault(.data, coordinator.join, "answered something else")
        }
        result.report(json(status), text: text(status))
    }

    private func json(_ status: ClusterStatus) -> JSON {
        [
            "generation": .integer(Int(status.generation)), "phase": .string(status.phase),
            "step": .integer(status.step),
            "steps": .integer(status.steps), "map": .integer(status.map),
            "newest_checkpoint": .integer(status.newestCheckpoint),
            "members": .array(
                status.members.map { member in
                    [
                        "name": .string(member.name), "host": .string(member.host), "pid": .integer(member.process),
                        "incarnation": .string(String(member.incarnation, radix: 16)),
                        "threads": .integer(member.threads),
                        "state": .string(member.state), "chunks": .integer(member.chunks),
                        "units": .array(member.leases.map { .string("\($0)") }),
                        "units_per_s": .number(member.unitsPerSecond), "silent_s": .number(member.silentSeconds),
                        "late": .string(member.late), "metrics": .string(member.metrics),
                        "activity": .string("\(member.progress.activity)"),
                        "seconds": .object(member.progress.time.parts.map { ($0.name, .number($0.value)) }),
                    ]
                }),
            "waiting_for": .array(status.waitingFor.map(JSON.string)),
            "turned_away": .integer(status.turnedAway), "refused_frames": .integer(status.refusedFrames),
        ]
    }

    private func text(_ status: ClusterStatus) -> String {
        var lines = [
            "step \(status.step) of \(status.steps), \(status.phase); generation \(status.generation), "
                + "map \(OwnershipMap.name(status.map)), newest checkpoint at step \(status.newestCheckpoint)"
        ]
        let names = Dictionary(grouping: status.members, by: \.name)
        for member in status.members {
            let hasNamesake = names[member.name, default: []].count > 1
            let incarnation = hasNamesake ? ", incarnation \(String(member.incarnation, radix: 16))" : ""
            lines.append(
                "  \(padded(member.name, 20)) \(padded(member.state, 9)) pid \(padded("\(member.process)", 8)) "
                    + "\(padded(member.host, 16)) \(member.chunks) chunks, \(member.unitsPerSecond > 0 ? hundredths(member.unitsPerSecond) : "-") units/s, "
                    + "silent \(hundredths(member.silentSeconds)) s\(incarnation)"
                    + (member.leases.isEmpty
                        ? "" : ", computes \(member.leases.map(\.description).joined(separator: " "))")
                    + (member.late.isEmpty ? "" : "; LATE: \(member.late)"))
        }
        lines += status.waitingFor.map { "  waits for \($0)" }
        if status.turnedAway > 0 { lines.append("  turned away: \(status.turnedAway) connections (see the log)") }
        if status.refusedFrames > 0 { lines.append("  refused: \(status.refusedFrames) frames (see the log)") }
        return lines.joined(separator: "\n")
    }
}

/// `zoetrope drain`.
struct Drain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a worker go: it finishes its block, hands its chunks over, and leaves.")
    @OptionGroup var coordinator: CoordinatorAddress
    @Argument(
        help: """
            The worker, by the name that `zoetrope status` shows, or by the incarnation that it shows of those who share a \
            name, and with --json of all.
            """)
    var worker: String

    func run() throws {
        if case .done(let text) = try coordinator.ask(.drain(worker)) { print(text) }
    }
}

/// `zoetrope stop`.
struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Write a checkpoint and stop; run again to continue.")
    @OptionGroup var coordinator: CoordinatorAddress

    func run() throws {
        if case .done(let text) = try coordinator.ask(.stop) { print(text) }
    }
}

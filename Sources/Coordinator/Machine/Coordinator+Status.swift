internal import Reporting
internal import Training
public import Wire

/// What the coordinator tells an operator.
extension Coordinator {
    /// Who is here, and what the step waits for.
    public func status(now: Double) -> ClusterStatus {
        // Each list is gone through once, however many workers there are.
        var leases: [Incarnation: [LeaseTable.Entry]] = [:]
        if case .stepping(let step) = phase {
            leases = Dictionary(grouping: step.leases.entries.values.sorted { $0.id < $1.id }, by: \.worker)
        }
        let chunks = Dictionary(owners.map { ($0, 1) }, uniquingKeysWith: +)
        // Who has not said who it is, is nobody yet.
        let statuses = members.map { worker, member in
            member.hello == nil
                ? nil : status(of: member, worker, leases[worker] ?? [], chunks: chunks[worker] ?? 0, now: now)
        }
        return ClusterStatus(
            generation: generation, phase: phaseName, step: version, steps: settings.steps, map: mapNumber,
            newestCheckpoint: checkpoint, members: statuses.compactMap(\.self), waitingFor: waitingFor)
    }

    /// - Parameter leases: of the worker, oldest first.
    private func status(
        of member: Member, _ worker: Incarnation, _ leases: [LeaseTable.Entry], chunks: Int, now: Double
    ) -> MemberStatus {
        let state =
            switch member.state {
            case .active: member.suspectSince == nil ? "active" : "suspect"
            case .joining: "joining"
            case .draining: "draining"
            case .released: "leaving"
            }
        return MemberStatus(
            incarnation: worker, name: member.name, host: member.hello?.machine ?? "?",
            process: member.hello?.process ?? 0, threads: member.hello?.threads ?? 0, state: state,
            chunks: chunks, leases: leases.filter { !$0.isComputed }.map(\.block).sorted { $0.first < $1.first },
            unitsPerSecond: member.speed ?? 0, silentSeconds: now - member.lastHeard, progress: member.progress,
            late: lateness(of: member, leases, now: now), metrics: member.hello?.metrics ?? "")
    }

    /// Why the others may have to wait for it; empty when it is in time.
    private func lateness(of member: Member, _ leases: [LeaseTable.Entry], now: Double) -> String {
        let silent = now - member.lastHeard
        if member.suspectSince != nil { return "its connection broke" }
        if silent > timing.silence { return "silent for \(Int(silent)) s" }
        if let other = members[member.unreached] {
            return "cannot reach \(other.name) at \(other.hello?.endpoint ?? "?")"
        }
        // Who waits for another's weights, or for another to take its gradients, is not the one that is late.
        guard [.unknown, .computing].contains(member.progress.activity) else { return "" }
        for entry in leases {
            let elapsed = now - entry.issued
            let usual = member.speed.map { Double(entry.block.size) / $0 }
            guard elapsed >= usual.map({ max(timing.leastStraggling, Self.slow * $0) }) ?? timing.death else {
                continue
            }
            let since =
                usual.map { "\(Int(elapsed)) s ago, it usually takes \(tenths($0)) s" } ?? "\(Int(elapsed)) s ago"
            return entry.isComputed
                ? "units \(entry.block), given to it \(since), are computed and not yet delivered"
                : "units \(entry.block) were given to it \(since)"
        }
        return ""
    }

    /// A block that takes so many times longer than usual is worth a word, before it is given to somebody else as well.
    private static let slow = 1.5

    private var phaseName: String {
        switch phase {
        case .gathering: "waiting for workers"
        case .installing: "moving state"
        case .stepping: "stepping"
        case .committing: "writing the ledger"
        case .holding: "writing a checkpoint"
        case .closing, .finished: "stopping"
        }
    }

    private var waitingFor: [String] {
        func name(_ worker: Incarnation) -> String { members[worker]?.name ?? String(worker, radix: 16) }
        switch phase {
        case .gathering:
            return ["\(max(0, settings.expectedWorkers - activeMembers.count)) more workers"]
        case .installing(let waiting): return waiting.sorted().map { "state on its way to \(name($0))" }
        case .stepping(let step):
            let leased = step.leases.entries.values.sorted { $0.id < $1.id }
                .map { "units \($0.block) of \(name($0.worker))" + ($0.isComputed ? ", being delivered" : "") }
            let missing = settings.plan.changing.count - step.ready.count
            if missing == 0 { return leased }
            let ready = Set(step.ready.map(\.chunk))
            let late = Set(settings.plan.changing.filter { !ready.contains($0) }.map { owners[$0] })
            return leased + [
                "the gradients of \(missing) chunks that \(late.sorted().map(name).joined(separator: ", ")) sum up"
            ]
        case .committing: return ["the ledger's disk"]
        case .holding: return ["\(saving?.waiting.count ?? 0) chunks of a checkpoint"]
        case .closing, .finished: return []
        }
    }
}

import Coordinator
import Reporting
import Wire

extension ClusterNote {
    /// For the log; nil for what is worth none.
    var line: String? {
        switch self {
        case .joined(_, let name, let host): "worker \(name) on \(host) joined"
        case .refused(let name, let host, let reason): "worker \(name) on \(host) was refused: \(reason)"
        case .left(_, let name, let reason): "worker \(name) left: \(reason)"
        case .died(_, let name, let reason): "worker \(name) is dead: \(reason)"
        case .unreached(let worker, let name, let endpoint, let seconds):
            "worker \(worker) cannot reach worker \(name) at \(endpoint): no connection for \(seconds) s; let the workers' "
                + "machines reach each other at every port, or say in worker.data_host under which address others reach \(name)"
        case .mapChanged(let number, let version, let owners, let reason):
            "map \(OwnershipMap.name(number)): \(owners) owners at version \(version): \(reason)"
        case .promoted(let map, let revision, let chunks, let alone):
            "map \(OwnershipMap.name(map)), revision \(revision): buddies own \(chunks) chunks of the dead and the step goes on"
                + (alone == 0 ? "" : "; \(alone) chunks have no buddy until the next step")
        case .replicasDiffer(let divergence):
            "ALARM: two keepers of chunk \(divergence.chunk) have different bits at version \(divergence.version): "
                + "\(String(divergence.owner, radix: 16)) and \(String(divergence.buddy, radix: 16)); "
                + "one of them is broken, or the way between them"
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

extension ClusterNote {
    /// For the page's list and Prometheus' counts.
    var kind: RunEvent.Kind {
        switch self {
        case .joined: .joined
        case .refused: .refused
        case .left: .left
        case .died: .died
        case .mapChanged: .moved
        case .promoted: .promoted
        case .replicasDiffer, .alarm, .recordsDiffer, .storage: .alarm
        case .recalled, .unreached, .waiting: .note
        case .rolledBack: .rolledBack
        case .reissued: .reissued
        case .blockFailed: .failed
        case .checkpoint: .checkpoint
        case .checkpointFailed: .checkpointFailed
        }
    }

    /// What is worth no line on a terminal.
    var quietLine: String? {
        if case .checkpoint(let version) = self { "checkpoint at step \(version) is written" } else { nil }
    }
}

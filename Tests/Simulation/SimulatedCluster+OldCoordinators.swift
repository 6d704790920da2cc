import Coordinator
import Training
import Wire

/// Two coordinators at once: one was cut off, or stopped, and another was started in its place. The old one goes on with
/// whatever workers it reaches, and must never commit.
extension SimulatedCluster {
    /// Another coordinator starts while this one lives on.
    func replaceCoordinator() {
        guard let present = coordinator else { return }
        counts.restarts += 1
        write("coordinator \(generation) is replaced and does not know it")
        old[generation] = present
        // What it was writing gets to the disk before the new one reads, or never.
        if disk.tail != nil { disk.crash(tailSurvives: false, lies: false) }
        disk.unfinished = nil
        for worker in order where workers[worker] != nil {
            if chance.happens(0.5) {
                reach[worker] = generation
                schedule(.healed(worker), in: chance.between(0.1, 12))
            } else {
                cut(.init(client: worker, server: 0), for: chance.between(0, 1))
            }
        }
        startCoordinator()
    }

    /// Whether a write of this coordinator finds a newer generation in the run's folder.
    func isStale(_ generation: UInt64) -> Bool { old[generation] != nil && generation < self.generation }

    /// The old coordinator has learnt of the new one: it stops with 70 and says nothing to anybody.
    func fence(_ generation: UInt64) {
        if bugs.contains(.staleGenerationAccepted) {
            if let step = oldSteps[generation] { tell(.ledgerAppended(step: step), generation) }
            return
        }
        counts.fenced += 1
        tell(.fenced("generation \(self.generation) has begun"), generation)
    }

    func perform(_ directive: CoordinatorDirective, ofOld generation: UInt64) {
        switch directive {
        case .send(let worker, let frame) where reach[worker] == generation:
            send(.toWorker(frame), SimulatedConnection.Key(client: worker, server: 0), toServer: false)
        case .appendLedger(let record):
            oldSteps[generation] = record.outcome.step
            schedule(.ledgerWritten(generation: generation), in: chance.between(0.001, 0.3))
        case .writeChunk(let state):
            tell(.chunkWritten(version: state.version, chunk: state.chunk), generation)
        case .completeCheckpoint(let version):
            schedule(.checkpointWritten(generation: generation, version: version), in: chance.between(0.001, 0.3))
        case .committed(let record, replayed: false):
            troubles.append(
                "generation \(generation) committed step \(record.outcome.step) after \(self.generation) began")
        case .finished(let code, _):
            if code != 70 { write("the old coordinator \(generation) ends with \(code)") }
            old[generation] = nil
        default: break
        }
    }
}

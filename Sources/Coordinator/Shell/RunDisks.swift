import Faults
import Protocol
import Wire

/// The threads of a coordinator that wait for disks: one for the ledger, one for checkpoints.
///
/// Everything is told to the machine as an event when it is done.
final class RunDisks: Sendable {
    private let ledgerThread = TaskThread(name: "ledger")
    private let checkpointThread = TaskThread(name: "checkpoints")
    private let ledger: Confined<StepLedger>
    private let checkpoints: Confined<Saving>
    private let tell: @Sendable (CoordinatorEvent) -> Void

    /// What the checkpoint thread has.
    final class Saving {
        let store: CheckpointStore
        /// The ledger as far as it is on disk, for the checkpoints' copies.
        var records: [LedgerRecord]

        init(_ store: CheckpointStore, _ records: [LedgerRecord]) {
            self.store = store
            self.records = records
        }
    }

    init(
        _ directory: RunDirectory, ledger: StepLedger, checkpoints: CheckpointStore, keptRecords: [LedgerRecord],
        tell: @escaping @Sendable (CoordinatorEvent) -> Void
    ) {
        self.ledger = Confined(ledger)
        self.checkpoints = Confined(Saving(checkpoints, keptRecords))
        self.tell = tell
        lock = Confined(directory)
    }

    /// Holds the run's lock as long as anything may be written.
    private let lock: Confined<RunDirectory>

    func append(_ record: LedgerRecord) {
        let (ledger, checkpoints, checkpointThread, tell) = (ledger, checkpoints, checkpointThread, tell)
        ledgerThread.post {
            do throws(Fault) {
                try ledger.value.append(record)
                checkpointThread.post { checkpoints.value.records.append(record) }
                tell(.ledgerAppended(step: record.outcome.step))
            } catch {
                tell(.storageFailed(error))
            }
        }
    }

    func beginCheckpoint(version: Int) {
        save(version: version) { saving throws(Fault) in try saving.store.begin(version: version) }
    }

    func write(_ state: ChunkState) {
        let tell = tell
        save(version: state.version) { saving throws(Fault) in
            try saving.store.write(state)
            tell(.chunkWritten(version: state.version, chunk: state.chunk))
        }
    }

    func completeCheckpoint(version: Int) {
        let tell = tell
        save(version: version) { saving throws(Fault) in
            try saving.store.complete(version: version, ledger: saving.records)
            tell(.checkpointCompleted(version: version))
        }
    }

    func abandonCheckpoint() {
        let checkpoints = checkpoints
        checkpointThread.post { checkpoints.value.store.abandon() }
    }

    private func save(version: Int, _ body: @escaping @Sendable (Saving) throws(Fault) -> Void) {
        let (checkpoints, tell) = (checkpoints, tell)
        checkpointThread.post {
            do throws(Fault) { try body(checkpoints.value) } catch {
                tell(.checkpointFailed(version: version, error))
            }
        }
    }

    func read(version: Int, chunk: Int, for incarnation: Incarnation) {
        let (checkpoints, tell) = (checkpoints, tell)
        checkpointThread.post {
            do throws(Fault) {
                let state = try checkpoints.value.store.read(version: version, chunk: chunk)
                tell(.chunkRead(version: version, chunk: chunk, state: state, for: incarnation))
            } catch {
                tell(.storageFailed(error))
            }
        }
    }

    /// Waits for what is under way.
    func finish() {
        ledgerThread.finish()
        checkpointThread.finish()
    }
}

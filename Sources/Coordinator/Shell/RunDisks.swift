import Faults
import Protocol
import Threads
import Wire

/// The threads of a coordinator that wait for disks: one for the ledger, one for checkpoints.
///
/// Everything is told to the machine as an event when it is done. A full disk under the ledger is waited for: nothing is
/// committed until there is room, or an operator stops the run. When another coordinator has taken the run over, that is
/// told instead of whatever was to be told, and nothing else is final any more.
final class RunDisks: Sendable {
    private let ledgerThread = TaskThread(name: "ledger")
    private let checkpointThread = TaskThread(name: "checkpoints")
    private let ledger: Confined<StepLedger>
    private let checkpoints: Confined<Saving>
    private let fence: RunFence
    private let patience = Patience()
    private let retrySeconds: Double
    private let tell: @Sendable (CoordinatorShell.Call) -> Void

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

    /// - Parameter retrySeconds: Between two attempts to append to a ledger whose disk is full.
    init(
        _ directory: RunDirectory, ledger: StepLedger, checkpoints: CheckpointStore, retrySeconds: Double = 1,
        tell: @escaping @Sendable (CoordinatorShell.Call) -> Void
    ) {
        self.ledger = Confined(ledger)
        self.checkpoints = Confined(Saving(checkpoints, ledger.records))
        self.retrySeconds = retrySeconds
        self.tell = tell
        fence = directory.fence
        lock = Confined(directory)
    }

    /// Holds the run's lock as long as anything may be written.
    private let lock: Confined<RunDirectory>

    func append(_ record: LedgerRecord) {
        let (ledger, checkpoints, checkpointThread, tell) = (ledger, checkpoints, checkpointThread, tell)
        ledgerThread.post { [self] in
            do throws(Fault) {
                try waitingForRoom { () throws(Fault) in try ledger.value.append(record) }
                checkpointThread.post { checkpoints.value.records.append(record) }
                tell(.event(.ledgerAppended(step: record.outcome.step)))
            } catch {
                failed(error) { .storageFailed($0) }
            }
        }
    }

    /// Tries until it works, fails for another reason than a full disk, or somebody gives up.
    private func waitingForRoom(_ body: () throws(Fault) -> Void) throws(Fault) {
        var isWaiting = false
        while true {
            do throws(Fault) {
                try body()
                if isWaiting { tell(.note(.storage("the ledger could be written again: steps are committed again"))) }
                return
            } catch {
                guard error.code == .stoppedEarly else { throw error }
                if !isWaiting {
                    tell(.note(.storage("NOTHING IS COMMITTED until the ledger can be written: \(error)")))
                }
                isWaiting = true
                guard patience.wait(seconds: retrySeconds) else { throw error }
            }
        }
    }

    /// An operator stops the run, or it is over: a full disk is waited for no longer.
    func stopWaiting() { patience.giveUp() }

    /// Asks whether the run is still ours, for the times when nothing is written.
    func watchFence() {
        ledgerThread.post { [fence, tell] in
            if let broken = try? fence.broken() { tell(.fenced(broken)) }
        }
    }

    /// Tells what went wrong, or that another has the run: then nothing else matters.
    private func failed(_ fault: Fault, _ event: (Fault) -> CoordinatorEvent) {
        if let broken = try? fence.broken() { return tell(.fenced(broken)) }
        tell(.event(event(fault)))
    }

    func beginCheckpoint(version: Int) {
        save(version: version) { saving throws(Fault) in try saving.store.begin(version: version) }
    }

    func write(_ state: ChunkState) {
        let tell = tell
        save(version: state.version) { saving throws(Fault) in
            try saving.store.write(state)
            tell(.event(.chunkWritten(version: state.version, chunk: state.chunk)))
        }
    }

    func completeCheckpoint(version: Int) {
        let tell = tell
        save(version: version) { saving throws(Fault) in
            let left = try saving.store.complete(version: version, ledger: saving.records)
            for fault in left { tell(.note(.storage("an old checkpoint could not be removed: \(fault)"))) }
            tell(.event(.checkpointCompleted(version: version)))
        }
    }

    func abandonCheckpoint() {
        let checkpoints = checkpoints
        checkpointThread.post { checkpoints.value.store.abandon() }
    }

    private func save(version: Int, _ body: @escaping @Sendable (Saving) throws(Fault) -> Void) {
        let checkpoints = checkpoints
        checkpointThread.post { [self] in
            do throws(Fault) { try body(checkpoints.value) } catch {
                failed(error) { .checkpointFailed(version: version, $0) }
            }
        }
    }

    func read(version: Int, chunk: Int, for incarnation: Incarnation) {
        let (checkpoints, tell) = (checkpoints, tell)
        checkpointThread.post { [self] in
            do throws(Fault) {
                let state = try checkpoints.value.store.read(version: version, chunk: chunk)
                tell(.event(.chunkRead(version: version, chunk: chunk, state: state, for: incarnation)))
            } catch {
                failed(error) { .chunkUnreadable(version: version, $0) }
            }
        }
    }

    /// Waits for what is under way.
    func finish() {
        stopWaiting()
        ledgerThread.finish()
        checkpointThread.finish()
    }
}

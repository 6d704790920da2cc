public import Faults
public import Wire

/// What happens to a coordinator. The shell tells it, one at a time, with the time.
public enum CoordinatorEvent: Sendable {
    /// From the ROUTER; frames that are no worker's never get here.
    case received(Frame<WorkerMessage>)
    /// What came by this worker's connection is no message, for that reason.
    case unreadable(Incarnation, reason: String)
    /// The connection of this worker broke, or its process is seen to be gone. A hint: it may come back.
    case disconnected(Incarnation)
    /// The worker's process has ended for certain (its parent waited for it).
    case processEnded(Incarnation)
    /// The record of this step is on disk.
    case ledgerAppended(step: Int)
    /// The chunk's bytes are written, or at least taken over: its payloads may go.
    case chunkWritten(version: Int, chunk: Int)
    /// The checkpoint is whole and in its place.
    case checkpointCompleted(version: Int)
    /// The checkpoint could not be written (a full disk); training goes on with the old one.
    case checkpointFailed(version: Int, Fault)
    /// The answer to `.readChunk`.
    case chunkRead(version: Int, chunk: Int, state: ChunkState, for: Incarnation)
    /// `.readChunk` failed: the checkpoint is damaged, or gone.
    case chunkUnreadable(version: Int, Fault)
    /// A disk that training cannot do without failed: the ledger's.
    case storageFailed(Fault)
    /// Another coordinator has taken the run over: this one ends with 70, and says nothing to the workers, for they are the
    /// other's.
    case fenced(String)
    /// By name, or the incarnation in hexadecimal.
    case drainRequested(String)
    /// A checkpoint at the next step boundary, whatever the recipe says.
    case checkpointRequested
    /// Checkpoint, then stop with 75.
    case stopRequested(String)
    /// At least every `timing.tick`.
    case tick
}

/// What the shell has to do, in order.
public enum CoordinatorDirective: Sendable {
    case send(Incarnation, Frame<CoordinatorMessage>)
    /// Append and fsync, then say `.ledgerAppended`. One at a time.
    case appendLedger(LedgerRecord)
    /// Open `step-V.tmp`; the ledger has `version` records at least. One checkpoint at a time.
    case beginCheckpoint(version: Int)
    /// Write it at its place, then say `.chunkWritten`.
    case writeChunk(ChunkState)
    /// All chunks are written: manifest, fsync, rename; then say `.checkpointCompleted` (or `.checkpointFailed`).
    case completeCheckpoint(version: Int)
    /// An owner died: remove what is there.
    case abandonCheckpoint(version: Int)
    /// Read a chunk of a whole checkpoint, then say `.chunkRead`.
    case readChunk(version: Int, chunk: Int, for: Incarnation)
    /// The step's record has got to the ledger's disk, which is said once of each; or the step was played again after a
    /// rollback. For metrics.
    case committed(LedgerRecord, replayed: Bool)
    /// For the log.
    case note(ClusterNote)
    /// The run is over, all workers have been told: flush, then exit with the code.
    case finished(code: Int, reason: String)
}

/// What is worth a line in the log.
public enum ClusterNote: Sendable, Hashable {
    case joined(Incarnation, name: String, host: String)
    case refused(name: String, host: String, reason: String)
    case left(Incarnation, name: String, reason: String)
    case died(Incarnation, name: String, reason: String)
    /// A worker has had no connection to another, who lives, for so many seconds.
    case unreached(by: String, name: String, endpoint: String, seconds: Int)
    case mapChanged(number: Int, version: Int, owners: Int, reason: String)
    /// Somebody died and buddies took its place; so many chunks have nobody but their owner until the next step.
    case promoted(map: Int, revision: Int, chunks: Int, alone: Int)
    case replicasDiffer(Divergence)
    /// A record that the ledger had lost came back from a worker.
    case recalled(step: Int)
    case rolledBack(from: Int, to: Int)
    case reissued(step: Int, block: UnitBlock, to: Incarnation)
    case alarm(Alarm)
    /// Two workers computed the same unit and report different losses.
    case recordsDiffer(step: Int, unit: Int, by: Incarnation)
    case blockFailed(step: Int, block: UnitBlock, worker: String, reason: String)
    case waiting(String)
    case checkpoint(version: Int)
    case checkpointFailed(version: Int, reason: String)
    /// The run's disk: what was lost and restored, what is waited for.
    case storage(String)
}

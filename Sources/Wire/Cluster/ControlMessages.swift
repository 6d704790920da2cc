/// Worker to coordinator.
public enum WorkerMessage: Sendable {
    case hello(Hello)
    case ready(Ready)
    case heartbeat(Progress)
    /// All units of the lease are computed and folded; their pushes may still be on the way. Asks for more work.
    case blockComputed(lease: UInt64, records: [UnitRecord])
    /// Every chunk of the lease's root has arrived at its owner of this revision of the map: as long as the owners live,
    /// the block needs this worker no more.
    case blockDelivered(lease: UInt64, revision: Int)
    /// The unit could not be read here (an I/O error): the block should be tried elsewhere.
    case blockFailed(lease: UInt64, reason: String)
    /// The owner has these chunks' whole gradient of the step, and so have their buddies.
    case chunksReady(map: Int, step: Int, chunks: [ReadyChunk])
    /// These chunks are here at the map's version, with these digests. The first of a map comes when all are that a step
    /// cannot begin without; what a buddy still has to copy is told later.
    case mapInstalled(map: Int, chunks: [ChunkDigest])
    /// The owner asks for a chunk out of the checkpoint of the map's version.
    case fetchCheckpoint(map: Int, chunk: Int)
    /// A chunk for the checkpoint that the coordinator asked for.
    case checkpointChunk(ChunkState)
    /// The answer to `compare`, and under which map it was given: a version that is played again has another.
    case chunkDigests(map: Int, version: Int, chunks: [ChunkDigest])
    /// SIGTERM: no more leases, take my chunks, let me go.
    case leaving
    /// The connection to this worker's shard broke: is it dead?
    case suspect(Incarnation)
    /// Two workers computed different bits of the same block: one of them is broken.
    case alarm(Alarm)
    /// The owner of a chunk and its buddy have computed different bits, or state comes damaged each time from the one to the
    /// other: one of them is broken, or the way between them.
    case replicasDiffer(Divergence)
}

/// Coordinator to worker.
public enum CoordinatorMessage: Sendable {
    case welcome(Welcome)
    /// Not taken in, or no longer a member; for people.
    case refuse(Refusal)
    case map(OwnershipMap)
    case lease(Lease)
    /// Somebody else was first: stop computing the lease, say nothing more of it.
    case revoke(lease: UInt64)
    /// This block will probably be leased to you in that step: decode it ahead.
    case prefetch(step: Int, block: UnitBlock)
    case commit(Commit)
    /// Owners: send the state of your chunks at this version, which is the present one.
    case checkpoint(version: Int, chunks: [Int])
    /// Buddies: say the digests of these chunks at this version, which is the present one. A checkpoint holds nothing of
    /// which its keepers have different bits.
    case compare(version: Int, chunks: [Int])
    /// The chunk is on its way to disk: the next may be sent.
    case chunkStored(version: Int, chunk: Int)
    /// The answer to `fetchCheckpoint`.
    case stateChunk(map: Int, state: ChunkState)
    /// This worker is gone and will not come back: forget its links.
    case departed(Incarnation)
    /// To a worker that a new coordinator finds one step behind: the ledger has that step. Apply it, say `ready` again.
    case rollForward(Commit)
    /// The operator wants this worker to leave in order.
    case drain
    /// Exit; `code` as in `sysexits.h`, 0 when the run is done or the worker was drained.
    case stop(code: Int, reason: String)
}

/// Why a worker is not a member.
public struct Refusal: Hashable, Sendable {
    public var reason: String
    /// The worker may come back under a new incarnation (it was taken for dead); otherwise trying again is useless.
    public var mayReturn: Bool

    public init(reason: String, mayReturn: Bool) {
        self.reason = reason
        self.mayReturn = mayReturn
    }
}

/// What a worker is at: says that it lives, and whether it gets on.
public struct Progress: Hashable, Sendable {
    public var step: Int
    /// Units computed since the start.
    public var units: Int
    /// Clips decoded and waiting.
    public var decodedAhead: Int
    public var residentBytes: Int
    /// Where its time went since it was taken in.
    public var time: TimeSplit
    /// Seconds that its decode threads were busy, all together: they decode ahead while others compute.
    public var decoding: Double
    /// Headers and payloads, over all its sockets, since it was taken in.
    public var bytesSent: UInt64
    public var bytesReceived: UInt64
    /// What it does now.
    public var activity: Activity
    /// Another member to whose shard it has had no connection for as long as silence takes to be death; 0 is none.
    public var unreached: Incarnation

    /// As in `TimeSplit`; computing has the wait for clips in it.
    public enum Activity: UInt32, Sendable {
        /// It has not been taken in, or is of a release that does not say it.
        case unknown = 0
        case computing, pushing, pulling, waiting
    }

    public init(
        step: Int = 0, units: Int = 0, decodedAhead: Int = 0, residentBytes: Int = 0, time: TimeSplit = TimeSplit(),
        decoding: Double = 0, bytesSent: UInt64 = 0, bytesReceived: UInt64 = 0, activity: Activity = .unknown,
        unreached: Incarnation = 0
    ) {
        self.activity = activity
        self.unreached = unreached
        self.step = step
        self.units = units
        self.decodedAhead = decodedAhead
        self.residentBytes = residentBytes
        self.time = time
        self.decoding = decoding
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
    }
}

/// Where a worker's time went, in seconds that add up to the time since it was taken in.
public struct TimeSplit: Hashable, Sendable {
    /// Its computation waited for clips: decoding did not keep ahead.
    public var decode: Double
    /// Gradients.
    public var compute: Double
    /// Everything it was asked for is computed and not all of it has arrived where it is summed.
    public var push: Double
    /// It has work and waits for the weights of its step.
    public var pull: Double
    /// It has nothing to do: other workers finish the step.
    public var wait: Double

    public init(decode: Double = 0, compute: Double = 0, push: Double = 0, pull: Double = 0, wait: Double = 0) {
        self.decode = decode
        self.compute = compute
        self.push = push
        self.pull = pull
        self.wait = wait
    }

    public var total: Double { decode + compute + push + pull + wait }
}

/// Compute this block of this step and push its root.
public struct Lease: Hashable, Sendable {
    /// Unique in a run: it rises across generations.
    public var id: UInt64
    public var map: Int
    public var step: Int
    public var block: UnitBlock

    public init(id: UInt64, map: Int, step: Int, block: UnitBlock) {
        self.id = id
        self.map = map
        self.step = step
        self.block = block
    }
}

/// The step is in the ledger: owners apply it, workers drop what they kept for it.
public struct Commit: Hashable, Sendable {
    public var map: Int
    public var step: Int
    /// The learning rate of the step.
    public var rate: Float
    /// What the mean gradient is multiplied by before the update.
    public var coefficient: Float
    /// Nothing changes but the version.
    public var skipped: Bool
    /// No step follows: nobody needs the new weights.
    public var last: Bool
    /// To those who keep a copy of the ledger's end: the step's record.
    public var record: LedgerRecord?
    /// The version of the newest whole checkpoint: records before it need no copy.
    public var checkpoint: Int

    public init(
        map: Int, step: Int, rate: Float, coefficient: Float, skipped: Bool, last: Bool, record: LedgerRecord? = nil,
        checkpoint: Int = 0
    ) {
        self.record = record
        self.checkpoint = checkpoint
        self.map = map
        self.step = step
        self.rate = rate
        self.coefficient = coefficient
        self.skipped = skipped
        self.last = last
    }
}

/// A chunk whose gradient is whole.
public struct ReadyChunk: Hashable, Sendable {
    public var chunk: Int
    /// Of the gradient summed over the units, in f64; 0 for statistics.
    public var sumOfSquares: Double
    public var finite: Bool
    public var digest: UInt64

    public init(chunk: Int, sumOfSquares: Double, finite: Bool, digest: UInt64) {
        self.chunk = chunk
        self.sumOfSquares = sumOfSquares
        self.finite = finite
        self.digest = digest
    }
}

public struct ChunkDigest: Hashable, Sendable {
    public var chunk: Int
    public var digest: UInt64

    public init(chunk: Int, digest: UInt64) {
        self.chunk = chunk
        self.digest = digest
    }
}

/// Two keepers of one chunk that differ.
public struct Divergence: Hashable, Sendable {
    public var map: Int
    /// Of the state that differs, or the step whose sum does.
    public var version: Int
    public var chunk: Int
    public var owner: Incarnation
    public var buddy: Incarnation

    public init(map: Int, version: Int, chunk: Int, owner: Incarnation, buddy: Incarnation) {
        self.map = map
        self.version = version
        self.chunk = chunk
        self.owner = owner
        self.buddy = buddy
    }
}

/// A block whose root a worker kept while the coordinator was away.
public struct KeptBlock: Hashable, Sendable {
    /// Of the lease, of an earlier generation.
    public var lease: UInt64
    public var step: Int
    public var block: UnitBlock
    public var records: [UnitRecord]

    public init(lease: UInt64, step: Int, block: UnitBlock, records: [UnitRecord]) {
        self.lease = lease
        self.step = step
        self.block = block
        self.records = records
    }
}

/// Two results of one pure function that differ.
public struct Alarm: Hashable, Sendable {
    public var map: Int
    public var step: Int
    public var block: UnitBlock
    public var chunk: Int
    /// Whose result was kept, and whose differs.
    public var first: Incarnation
    public var second: Incarnation

    public init(
        map: Int, step: Int, block: UnitBlock, chunk: Int, first: Incarnation, second: Incarnation
    ) {
        self.map = map
        self.step = step
        self.block = block
        self.chunk = chunk
        self.first = first
        self.second = second
    }
}

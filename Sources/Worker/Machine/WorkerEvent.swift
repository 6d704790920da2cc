public import Faults
public import Training
public import Wire

/// What happens to a worker. The shell tells it, one at a time, with the time.
public enum WorkerEvent: Sendable {
    /// From the DEALER to the coordinator.
    case coordinator(Frame<CoordinatorMessage>)
    /// The DEALER to the coordinator has a connection (again).
    case coordinatorConnected
    /// From our ROUTER: another worker talks to our shard.
    case request(Frame<ShardRequest>)
    /// From the DEALER to that worker's shard.
    case reply(Frame<ShardReply>)
    /// The DEALER to that worker's shard has a connection (again).
    case peerConnected(Incarnation)
    /// It lost it.
    case peerDisconnected(Incarnation)
    /// `.prepare` is done.
    case prepared(WorkerPreparation)
    /// `.prepare` failed: the fault ends the process after the coordinator was told nothing.
    case preparationFailed(Fault)
    /// The unit's gradient of one chunk, f32, or of a batch-norm layer's chunk f64 means, then variances. Any order of
    /// chunks, as soon as each is final.
    case gradient(lease: UInt64, unit: Int, chunk: Int, Payload)
    /// All of the unit's gradients have been told.
    case unitComputed(lease: UInt64, UnitRecord)
    /// A clip of the unit could not be read here.
    case unitFailed(lease: UInt64, reason: String)
    /// What the shell counts, now and then: for `status` and metrics.
    case resources(ResourceUse)
    /// SIGTERM.
    case drainRequested
    /// At least every `timing.tick`.
    case tick
}

/// What a worker's shell counts, since its session began.
public struct ResourceUse: Sendable {
    /// Clips that wait decoded.
    public var decodedAhead: Int
    /// The process's memory.
    public var residentBytes: Int
    public var decoding: DecodingTimes
    /// Headers and payloads, over all sockets.
    public var bytesSent: UInt64
    public var bytesReceived: UInt64

    public init(
        decodedAhead: Int, residentBytes: Int, decoding: DecodingTimes = DecodingTimes(), bytesSent: UInt64 = 0,
        bytesReceived: UInt64 = 0
    ) {
        self.decodedAhead = decodedAhead
        self.residentBytes = residentBytes
        self.decoding = decoding
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
    }
}

/// Seconds that clips cost.
public struct DecodingTimes: Sendable, Equatable {
    /// The computation waited for a clip.
    public var awaited: Double
    /// Decoding, on whatever thread, all threads together.
    public var busy: Double

    public init(awaited: Double = 0, busy: Double = 0) {
        self.awaited = awaited
        self.busy = busy
    }

    static func + (a: DecodingTimes, b: DecodingTimes) -> DecodingTimes {
        DecodingTimes(awaited: a.awaited + b.awaited, busy: a.busy + b.busy)
    }
}

/// What the shell has to do, in order. What concerns the compute thread is done by it in order, too.
public enum WorkerDirective: Sendable {
    case sendToCoordinator(Frame<WorkerMessage>)
    /// Open a DEALER to this worker's shard.
    case connect(Incarnation, endpoint: String)
    case disconnect(Incarnation)
    /// On that DEALER.
    case request(Incarnation, Frame<ShardRequest>)
    /// On our ROUTER, to this worker.
    case reply(Incarnation, Frame<ShardReply>)
    /// Read the recipe, open the data set, build the network; then `.prepared`. Comes once for each recipe:
    /// a worker that finds a new coordinator of the same run goes on with what it has.
    case prepare(Welcome)
    /// Compute thread: these are the chunk's weights from now on.
    case load(chunk: Int, version: Int, Payload)
    /// Compute thread: one unit, `.gradient` by chunk, then `.unitComputed`.
    case compute(lease: UInt64, step: Int, unit: Int)
    /// Compute thread: what comes of this lease is ignored; stop early if it is easy.
    case cancel(lease: UInt64)
    /// Decode threads: these units come next, in this order.
    case prefetch(step: Int, block: UnitBlock)
    case note(String)
    /// The coordinator took this worker for dead, or is another run's: make a new machine with a new incarnation (and new
    /// sockets).
    case rejoin(reason: String)
    /// Exit. The code is 0 when the run is done or the worker was drained.
    case stop(code: Int, reason: String)
}

/// What the shell has built from a welcome.
public struct WorkerPreparation: Sendable {
    public var plan: ChunkPlan
    /// Units of a step (U).
    public var units: Int
    public var optimizer: OptimizerSettings
    public var fingerprints: [Fingerprint]
    /// The f32 elements of a chunk's weights (or running statistics) before the first step: a pure function of recipe and
    /// seed. Writes all `chunk.elements`.
    public var initialWeights: @Sendable (Chunk, UnsafeMutableBufferPointer<Float>) -> Void

    public init(
        plan: ChunkPlan, units: Int, optimizer: OptimizerSettings, fingerprints: [Fingerprint],
        initialWeights: @escaping @Sendable (Chunk, UnsafeMutableBufferPointer<Float>) -> Void
    ) {
        self.plan = plan
        self.units = units
        self.optimizer = optimizer
        self.fingerprints = fingerprints
        self.initialWeights = initialWeights
    }
}

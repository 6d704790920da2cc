public import Training
public import Wire

/// What a coordinator is told at start.
public struct CoordinatorSettings: Sendable {
    /// What every worker is told, the generation included.
    public var welcome: Welcome
    /// Which clips each step draws, and at which learning rate.
    public var schedule: StepSchedule
    /// Largest norm of a step's mean gradient; 0: no clipping.
    public var clipNorm: Double
    public var plan: ChunkPlan
    /// What workers must match, as far as the coordinator knows it; of the other names the first worker decides.
    public var fingerprints: [Fingerprint]
    /// Workers need not compute the bits that those of the ledger's steps computed: its next record says with what.
    public var acceptsOtherBuild: Bool
    public var checkpointEverySteps: Int
    /// Training begins when so many workers are ready, or `startPatience` after the first is.
    public var expectedWorkers: Int
    /// Workers that keep each chunk, when there are so many: its owner and its buddies; 1: nobody but the owner.
    public var replicas: Int
    /// Of how many steps one block is computed a second time, by another worker, and compared: 0 to 1.
    public var verifiedShare: Double
    public var startPatience: Double
    /// Bytes of state that one rebalancing moves at most, so that a joiner never stops a step for long.
    public var bytesMovedPerStep: Int
    public var timing: ClusterTiming

    public init(
        welcome: Welcome, schedule: StepSchedule, clipNorm: Double,
        plan: ChunkPlan, fingerprints: [Fingerprint], checkpointEverySteps: Int, expectedWorkers: Int,
        replicas: Int = 2, verifiedShare: Double = 0,
        startPatience: Double = 30, bytesMovedPerStep: Int = 64 << 20, timing: ClusterTiming = ClusterTiming(),
        acceptsOtherBuild: Bool = false
    ) {
        self.welcome = welcome
        self.schedule = schedule
        self.clipNorm = clipNorm
        self.plan = plan
        self.fingerprints = fingerprints
        self.checkpointEverySteps = checkpointEverySteps
        self.expectedWorkers = expectedWorkers
        self.replicas = replicas
        self.verifiedShare = verifiedShare
        self.startPatience = startPatience
        self.bytesMovedPerStep = bytesMovedPerStep
        self.timing = timing
        self.acceptsOtherBuild = acceptsOtherBuild
    }

    /// Gradient units of a step (U).
    public var units: Int { schedule.units }
    /// Steps of the run.
    public var steps: Int { schedule.steps }
}

/// What a coordinator finds in the run directory: nothing, or where it stopped.
public struct RunHistory: Sendable {
    /// The version of the newest whole checkpoint that the ledger reaches; 0 is the initial state.
    public var checkpoint: Int
    /// Steps in the ledger.
    public var ledgerCount: Int
    /// The outcomes of the steps from `checkpoint` to the end of the ledger: what a replay is held against.
    public var outcomes: [StepOutcome]
    /// Whether the state before the first step is a checkpoint, too; otherwise every owner makes it from the seed.
    public var hasInitialCheckpoint: Bool
    /// What the ledger's last step was computed with; empty when nothing is known of it.
    public var computedWith: [Fingerprint]

    public init(
        checkpoint: Int = 0, ledgerCount: Int = 0, outcomes: [StepOutcome] = [], hasInitialCheckpoint: Bool = false,
        computedWith: [Fingerprint] = []
    ) {
        precondition(outcomes.count == ledgerCount - checkpoint, "the ledger does not reach the checkpoint")
        self.checkpoint = checkpoint
        self.ledgerCount = ledgerCount
        self.outcomes = outcomes
        self.hasInitialCheckpoint = hasInitialCheckpoint
        self.computedWith = computedWith
    }
}

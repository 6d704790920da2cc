/// Worker to shard (DEALER to the shard's ROUTER).
public enum ShardRequest: Sendable {
    case push(Push)
    /// Send each of these chunks' weights as soon as the version is committed; forward order.
    case want(map: Int, revision: Int, version: Int, chunks: [Int])
    /// Send these chunks' whole state, for a new owner or buddy.
    case fetchState(map: Int, revision: Int, chunks: [Int])
    /// Owner to buddy: the whole gradient of a chunk.
    case replicate(Replicate)
}

/// Shard to worker.
public enum ShardReply: Sendable {
    /// What became of a push.
    case receipt(PushReceipt)
    case weights(Weights)
    case state(map: Int, state: ChunkState)
    /// A buddy's answer to `replicate`: stored or damaged.
    case replicated(map: Int, step: Int, chunk: Int, PushReceipt.Verdict)
}

/// The gradient of a chunk, summed over all units: what the buddy applies when the step commits.
public struct Replicate: Sendable {
    public var map: Int
    public var revision: Int
    public var step: Int
    public var chunk: Int
    /// Of `gradient`.
    public var checksum: UInt64
    /// `ChunkState.digest` of the owner's state before the step: the buddy's must be the same.
    public var state: UInt64
    /// f32; for statistics f64.
    public var gradient: Payload

    public init(
        map: Int, revision: Int, step: Int, chunk: Int, checksum: UInt64, state: UInt64, gradient: Payload
    ) {
        self.map = map
        self.revision = revision
        self.step = step
        self.chunk = chunk
        self.checksum = checksum
        self.state = state
        self.gradient = gradient
    }
}

/// One chunk of a block's root.
public struct Push: Sendable {
    public var map: Int
    public var revision: Int
    public var step: Int
    public var block: UnitBlock
    public var chunk: Int
    /// `Payload.checksum()` of `gradient`, by the worker that computed it.
    public var checksum: UInt64
    /// f32; for statistics f64.
    public var gradient: Payload

    public init(
        map: Int, revision: Int = 0, step: Int, block: UnitBlock, chunk: Int, checksum: UInt64, gradient: Payload
    ) {
        self.map = map
        self.revision = revision
        self.step = step
        self.block = block
        self.chunk = chunk
        self.checksum = checksum
        self.gradient = gradient
    }
}

/// A chunk's weights at a version.
public struct Weights: Sendable {
    public var map: Int
    public var version: Int
    public var chunk: Int
    /// f32.
    public var weights: Payload

    public init(map: Int, version: Int, chunk: Int, weights: Payload) {
        self.map = map
        self.version = version
        self.chunk = chunk
        self.weights = weights
    }
}

/// The shard's answer to a push.
public struct PushReceipt: Hashable, Sendable {
    public enum Verdict: Int, Sendable {
        /// It is in the tree.
        case stored = 0
        /// The tree had it, or an ancestor of it: the push is not needed.
        case duplicate = 1
        /// Of another map or step: forget it.
        case stale = 2
        /// The bytes do not have their checksum: push again.
        case damaged = 3
        /// The tree has other bits for the same block.
        case conflict = 4
    }

    public var map: Int
    public var step: Int
    public var block: UnitBlock
    public var chunk: Int
    public var verdict: Verdict
    /// Of a conflict: whose result is in the tree; 0 otherwise.
    public var other: Incarnation

    public init(
        map: Int, step: Int, block: UnitBlock, chunk: Int, verdict: Verdict, other: Incarnation = 0
    ) {
        self.other = other
        self.map = map
        self.step = step
        self.block = block
        self.chunk = chunk
        self.verdict = verdict
    }
}

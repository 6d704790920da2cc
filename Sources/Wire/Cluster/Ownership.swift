/// Who owns which chunk, from which version of the state on. A new number at every change, a rollback included.
public struct OwnershipMap: Hashable, Sendable {
    /// Rises whenever chunks move or the state goes back, across generations too; messages of an older number are dropped.
    public var number: Int
    /// Rises when somebody dies and the step under way goes on: buddies become owners, or are dropped. State, sums and
    /// roots stay valid.
    public var revision: Int
    /// The steps that the state has seen: the cluster goes on with step `version`.
    public var version: Int
    /// The owner of each chunk, by chunk number.
    public var owners: [Incarnation]
    /// Who else keeps each chunk, by chunk number: at every commit they compute what the owner computes.
    public var buddies: [[Incarnation]]
    /// Where an owner gets the state of each chunk at `version`, by chunk number.
    public var sources: [StateSource]
    /// Everybody alive, and where their shards listen.
    public var members: [MemberAddress]

    public init(
        number: Int, revision: Int = 0, version: Int, owners: [Incarnation], buddies: [[Incarnation]],
        sources: [StateSource], members: [MemberAddress]
    ) {
        self.number = number
        self.revision = revision
        self.version = version
        self.owners = owners
        self.buddies = buddies
        self.sources = sources
        self.members = members
    }

    /// What a generation's maps are counted from: numbers rise across generations, so that a late message of an earlier one
    /// is known to be late.
    public static func numberBeforeFirst(ofGeneration generation: UInt64) -> Int {
        Int(clamping: min(generation, 1 << 30) << 32)
    }

    /// A map's number for people: `2.7` is the seventh of the coordinator of generation 2.
    public static func name(_ number: Int) -> String { "\(number >> 32).\(number & 0xFFFF_FFFF)" }
}

/// Where the owner of a chunk gets its state from. A buddy that lacks it always asks the owner.
public enum StateSource: Hashable, Sendable {
    /// This worker's shard holds it at the map's version; it may be the owner itself. Whoever has it already keeps it.
    case peer(Incarnation)
    /// From the initialisers: the map's version is 0.
    case initial
    /// From the coordinator, out of the checkpoint of the map's version.
    case checkpoint
}

/// A live worker and its shard's endpoint.
public struct MemberAddress: Hashable, Sendable {
    public var incarnation: Incarnation
    public var endpoint: String

    public init(incarnation: Incarnation, endpoint: String) {
        self.incarnation = incarnation
        self.endpoint = endpoint
    }
}

/// The whole state of a chunk at a version: what rebalancing, checkpoints and restoring carry.
public struct ChunkState: Sendable {
    public var chunk: Int
    public var version: Int
    /// The f32 slots in the optimizer's order: weights first, then momentum; for statistics: means, then variances.
    public var slots: [Payload]
    /// `combinedDigest` of the slots' checksums.
    public var digest: UInt64

    public init(chunk: Int, version: Int, slots: [Payload], digest: UInt64) {
        self.chunk = chunk
        self.version = version
        self.slots = slots
        self.digest = digest
    }
}

/// What `status`, `drain` and `stop` ask. An operator has no incarnation: its frames have sender 0 and no numbers.
public enum OperatorRequest: Hashable, Sendable {
    case status
    /// By the name that `status` shows, or the incarnation in hexadecimal.
    case drain(String)
    /// Checkpoint and stop.
    case stop
}

public enum OperatorReply: Hashable, Sendable {
    case status(ClusterStatus)
    case done(String)
    case refused(String)
}

/// Who is here, and what the step waits for.
public struct ClusterStatus: Hashable, Sendable {
    public var generation: UInt64
    public var phase: String
    public var step: Int
    public var steps: Int
    public var map: Int
    public var newestCheckpoint: Int
    public var members: [MemberStatus]
    /// One line each, for people: what is being waited for.
    public var waitingFor: [String]
    /// Connections that did not get past the handshake: no key, a wrong one, not the protocol.
    public var turnedAway: Int
    /// Frames dropped: no message of ours, above the limits, or not for the sender's role.
    public var refusedFrames: Int

    public init(
        generation: UInt64, phase: String, step: Int, steps: Int, map: Int, newestCheckpoint: Int,
        members: [MemberStatus], waitingFor: [String], turnedAway: Int = 0, refusedFrames: Int = 0
    ) {
        self.generation = generation
        self.phase = phase
        self.step = step
        self.steps = steps
        self.map = map
        self.newestCheckpoint = newestCheckpoint
        self.members = members
        self.waitingFor = waitingFor
        self.turnedAway = turnedAway
        self.refusedFrames = refusedFrames
    }
}

public struct MemberStatus: Hashable, Sendable {
    public var incarnation: Incarnation
    public var name: String
    public var host: String
    public var process: Int
    public var threads: Int
    /// `joining`, `active`, `suspect`, `draining`.
    public var state: String
    public var chunks: Int
    /// The units it computes now, or empty.
    public var leases: [UnitBlock]
    public var unitsPerSecond: Double
    /// Since its last message.
    public var silentSeconds: Double
    /// What it said last of itself.
    public var progress: Progress
    /// Why others may have to wait for it, for people; empty when it is not late.
    public var late: String
    /// Where it serves `/metrics`: `host:port`; empty: nowhere.
    public var metrics: String

    public init(
        incarnation: Incarnation, name: String, host: String, process: Int, threads: Int, state: String, chunks: Int,
        leases: [UnitBlock], unitsPerSecond: Double, silentSeconds: Double, progress: Progress = Progress(),
        late: String = "", metrics: String = ""
    ) {
        self.progress = progress
        self.late = late
        self.metrics = metrics
        self.incarnation = incarnation
        self.name = name
        self.host = host
        self.process = process
        self.threads = threads
        self.state = state
        self.chunks = chunks
        self.leases = leases
        self.unitsPerSecond = unitsPerSecond
        self.silentSeconds = silentSeconds
    }
}

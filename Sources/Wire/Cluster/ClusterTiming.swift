/// The clocks of a cluster, all in seconds, in one documented order: `broken` < `heartbeat` < `silence` < `death` <
/// `coordinatorPatience`.
public struct ClusterTiming: Sendable, Hashable {
    /// The shells' `.tick` comes at least this often.
    public var tick = 0.2
    /// A worker says that it lives.
    public var heartbeat = 1.0
    /// A link without a receipt asks whether its messages are there.
    public var resend = 1.0
    /// A worker whose connection broke, or whom another one cannot reach, is asked at once, and dead when it has not been
    /// heard for this long since.
    public var broken = 0.6
    /// A worker that was not heard for this long gets no new block, and its block may be computed by another as well.
    public var silence = 3.0
    /// A worker that was not heard for this long is dead, whatever its connections say.
    public var death = 9.0
    /// A block is leased a second time when it takes so many times longer than expected.
    public var straggling = 2.0
    /// And not before this.
    public var leastStraggling = 2.0
    /// How long a worker looks for a coordinator that is gone.
    public var coordinatorPatience = 600.0

    public init() {}
}

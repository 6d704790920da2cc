public import Wire

/// The worker's decisions, a pure machine: an event and the time go in, directives come out.
///
/// It computes leased blocks and pushes their roots; its `shard` owns chunks. The shell around it owns sockets, clocks and
/// threads.
public struct Worker: Sendable {
    public let incarnation: Incarnation
    let hello: Hello
    let timing: ClusterTiming

    /// - Parameters:
    ///   - incarnation: Drawn at random by the shell, never zero.
    ///   - pool: Where the machine takes memory for sums and weights from.
    public init(incarnation: Incarnation, hello: Hello, timing: ClusterTiming, pool: PayloadPool) {
        self.incarnation = incarnation
        self.hello = hello
        self.timing = timing
    }

    /// - Parameter now: Monotonic seconds.
    public mutating func handle(_ event: WorkerEvent, now: Double) -> [WorkerDirective] {
        []
    }
}

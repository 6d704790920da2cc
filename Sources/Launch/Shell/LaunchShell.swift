public import Faults
import Glibc
public import Protocol
import Synchronization

/// A launch at work: processes, pipes and clocks around the pure machine.
///
/// One thread: `run()`. Whatever ends the launch, the pipes end with it, and the tenders at their other ends do the rest.
public final class LaunchShell: Sendable {
    public typealias Host = ClusterConfiguration.Host

    /// What people hear of, and where the list of hosts comes from.
    public struct Surroundings: Sendable {
        /// A line about a process, from itself or from the launch.
        public var log: @Sendable (LaunchPart, String) -> Void
        /// What the coordinator writes to standard output: the result.
        public var result: @Sendable ([UInt8]) -> Void
        /// The list as it is now, if it may change.
        public var hosts: (@Sendable () throws(Fault) -> [Host])?

        public init(
            log: @escaping @Sendable (LaunchPart, String) -> Void, result: @escaping @Sendable ([UInt8]) -> Void,
            hosts: (@Sendable () throws(Fault) -> [Host])?
        ) {
            self.log = log
            self.result = result
            self.hosts = hosts
        }
    }

    private let plan: LaunchPlan
    private let hosts: [Host]
    private let surroundings: Surroundings
    private let wishes = Mutex<[Wish]>([])
    private let wake: Pipe

    /// - Throws: `Fault.internal` when there are no descriptors left.
    public init(plan: LaunchPlan, hosts: [Host], surroundings: Surroundings) throws(Fault) {
        self.plan = plan
        self.hosts = hosts
        self.surroundings = surroundings
        wake = try Pipe()
    }

    /// From any thread.
    public func wish(_ wish: Wish) {
        wishes.withLock { $0.append(wish) }
        writeWhole([0], to: wake.writing)
    }

    /// Runs the launch to its end. Blocks.
    /// - Returns: The run's exit code.
    public func run() -> Int32 {
        var loop = LaunchLoop(
            plan: plan,
            machine: LaunchMachine(
                hosts: hosts, isElastic: surroundings.hosts != nil, grace: plan.cluster.launch.grace),
            surroundings: surroundings, wake: wake.reading)
        return loop.run {
            wishes.withLock { wishes in
                defer { wishes = [] }
                return wishes
            }
        }
    }
}

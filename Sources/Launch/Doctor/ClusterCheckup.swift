import Reporting

/// What is wrong with a cluster, by what its machines told. Pure.
public struct ClusterCheckup: Sendable {
    /// What is asked of machines.
    public struct Limits: Sendable, Equatable {
        /// Seconds between clocks. Nothing that a run computes depends on them; who reads logs of several machines does.
        public var clock = 1.0
        /// Bytes of memory that processes may still get: what a worker of R(2+1)D-18 takes.
        public var memory = 2 << 30
        /// Bytes free where the clips are or come.
        public var disk = 1 << 30

        public init() {}
    }

    public struct Finding: Sendable, Equatable {
        /// The machine's name.
        public var host: String
        public var problem: HostProblem

        public init(host: String, problem: HostProblem) {
            self.host = host
            self.problem = problem
        }
    }

    /// The coordinator's machine first.
    public let visits: [HostVisit]
    public let findings: [Finding]

    /// - Parameter here: The coordinator's machine: the others are held against it.
    public init(here: HostVisit, hosts: [HostVisit], limits: Limits = Limits()) {
        visits = [here] + hosts
        let reference = Self.referenceManifests(here: here, hosts: hosts)
        findings = visits.flatMap { visit in
            let own = visit.problems + (visit.facts?.problems ?? [])
            let found =
                own + Self.versions(visit, here) + Self.instructionSets(visit, here) + Self.clocks(visit, limits)
                + Self.room(visit, limits) + Self.manifests(visit, reference)
            return found.map { Finding(host: visit.name, problem: $0) }
        }
    }

    /// Machines with something to mend.
    public var ailing: Set<String> { Set(findings.map(\.host)) }

    // MARK: - One thing each

    private static func versions(_ visit: HostVisit, _ here: HostVisit) -> [HostProblem] {
        guard let version = visit.version, let own = here.version, version != own else { return [] }
        return [
            HostProblem(
                thing: "version", reason: "zoetrope \(version) there, \(own) here",
                mend: "install the same program on every machine")
        ]
    }

    private static func instructionSets(_ visit: HostVisit, _ here: HostVisit) -> [HostProblem] {
        guard let best = here.facts?.instructionSets.last, let sets = visit.facts?.instructionSets,
            !sets.contains(best)
        else { return [] }
        let widest = sets.last ?? "none"
        return [
            HostProblem(
                thing: "processor",
                reason: "runs \(widest) at most, and the coordinator's machine would choose \(best)",
                mend: "set numerics.isa = \"\(widest)\" in the recipe, or leave the machine out")
        ]
    }

    private static func clocks(_ visit: HostVisit, _ limits: Limits) -> [HostProblem] {
        guard let clock = visit.clock, abs(clock.seconds) - clock.within > limits.clock else { return [] }
        let direction = clock.seconds > 0 ? "ahead of" : "behind"
        return [
            HostProblem(
                thing: "clock", reason: "\(tenths(abs(clock.seconds))) s \(direction) the coordinator's machine",
                mend: "let one service set all clocks (chrony, systemd-timesyncd)")
        ]
    }

    private static func room(_ visit: HostVisit, _ limits: Limits) -> [HostProblem] {
        guard let facts = visit.facts else { return [] }
        var problems: [HostProblem] = []
        if facts.availableMemory < limits.memory {
            problems.append(
                HostProblem(
                    thing: "memory", reason: "\(facts.availableMemory >> 20) MiB are free",
                    mend: "a worker of R(2+1)D-18 needs about \(limits.memory >> 20) MiB: end what else runs there"))
        }
        if facts.freeDisk < limits.disk {
            problems.append(
                HostProblem(
                    thing: "disk", reason: "\(facts.freeDisk >> 20) MiB are free",
                    mend: "make room, or name another disk: worker.cache, or the host's own cache, in cluster.conf"))
        }
        return problems
    }

    /// The data set of the run: the coordinator's machine has the say, else the first host that has one.
    private static func referenceManifests(
        here: HostVisit, hosts: [HostVisit]
    ) -> (name: String, manifests: [String: String])? {
        for visit in [here] + hosts { if let manifests = visit.facts?.manifests { return (visit.name, manifests) } }
        return nil
    }

    private static func manifests(
        _ visit: HostVisit, _ reference: (name: String, manifests: [String: String])?
    ) -> [HostProblem] {
        guard let reference, let own = visit.facts?.manifests else { return [] }
        let splits = Set(own.keys).union(reference.manifests.keys).sorted()
        let other = splits.filter { own[$0] != reference.manifests[$0] }
        guard !other.isEmpty else { return [] }
        return [
            HostProblem(
                thing: "data set",
                reason: "another than on \(reference.name): \(other.joined(separator: ", ")) differ",
                mend: "copy the set there anew, or leave launch.data empty: clips are then pulled")
        ]
    }
}

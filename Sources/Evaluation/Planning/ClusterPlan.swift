import Training
import Wire

/// How long a step of a cluster takes, worked out from what its parts cost: a pure function.
///
/// The life of a step is `docs/protocol.md`'s: a worker computes its units, pushes the sum of its block while the last
/// backward pass still runs, owners and buddies update, the others fetch the new weights. docs/performance.md tells the
/// formula and how far it has been compared with clusters.
public struct ClusterPlan: Sendable, Equatable {
    /// What the parts cost on one worker.
    public struct Costs: Sendable, Equatable {
        /// Seconds of a unit, forward and backward, its gradients copied out, by the clock: with the processors that a
        /// worker has.
        public var unitSeconds: Double
        /// In the order of the backward pass: how long after the unit's beginning a gradient is there, and its bytes.
        public var gradients: [Gradient]
        /// What the optimizer keeps of each parameter, the weights among it.
        public var slots: Int
        /// Processor seconds of a byte on its way: encrypting, sending, receiving and decrypting, both ends.
        public var wireSecondsPerByte: Double
        /// Processor seconds of copying a byte, of adding one of a gradient to a sum, of digesting one, and of updating the
        /// weights for one: in memory, out of the caches.
        public var copySecondsPerByte: Double
        public var sumSecondsPerByte: Double
        public var digestSecondsPerByte: Double
        public var updateSecondsPerByte: Double
        /// Processor seconds of decoding a clip; 0 where nobody measured it.
        public var decodeSecondsPerClip: Double
        /// Seconds of a commit: a record of the ledger on disk, and a message before it and one behind it.
        public var commitSeconds: Double

        public struct Gradient: Sendable, Equatable {
            public var seconds: Double
            public var bytes: Int

            public init(seconds: Double, bytes: Int) {
                self.seconds = seconds
                self.bytes = bytes
            }
        }

        public init(
            unitSeconds: Double, gradients: [Gradient], slots: Int, wireSecondsPerByte: Double,
            copySecondsPerByte: Double, sumSecondsPerByte: Double, digestSecondsPerByte: Double,
            updateSecondsPerByte: Double, decodeSecondsPerClip: Double, commitSeconds: Double
        ) {
            self.unitSeconds = unitSeconds
            self.gradients = gradients
            self.slots = slots
            self.wireSecondsPerByte = wireSecondsPerByte
            self.copySecondsPerByte = copySecondsPerByte
            self.sumSecondsPerByte = sumSecondsPerByte
            self.digestSecondsPerByte = digestSecondsPerByte
            self.updateSecondsPerByte = updateSecondsPerByte
            self.decodeSecondsPerClip = decodeSecondsPerClip
            self.commitSeconds = commitSeconds
        }

        /// Of all gradients.
        public var bytes: Int { gradients.reduce(0) { $0 + $1.bytes } }
    }

    public struct Cluster: Sendable, Equatable {
        public var workers: Int
        /// Gradient units of a step, and clips of one.
        public var units: Int
        public var clipsPerUnit: Int
        /// Workers that keep each chunk.
        public var replicas: Int
        /// Of a worker's link, each way, what is left of it for TCP's payload.
        public var bytesPerSecond: Double
        /// Threads that compute, threads that decode, and processors for all of them: less than 1 where a control group
        /// gives them a part of one's time.
        public var computeThreads: Int
        public var decodeThreads: Int
        public var processors: Double

        public init(
            workers: Int, units: Int, clipsPerUnit: Int, replicas: Int, bytesPerSecond: Double, computeThreads: Int,
            decodeThreads: Int, processors: Double
        ) {
            self.workers = workers
            self.units = units
            self.clipsPerUnit = clipsPerUnit
            self.replicas = replicas
            self.bytesPerSecond = bytesPerSecond
            self.computeThreads = computeThreads
            self.decodeThreads = decodeThreads
            self.processors = processors
        }
    }

    /// What a step waits for, in the order of its life.
    public enum Part: String, Sendable, CaseIterable {
        case computing, decoding, pushing, updating, fetching, commit
    }

    /// Units of the worker that has most.
    public let unitsOfBusiest: Int
    /// Workers that get no unit at all.
    public let idleWorkers: Int
    /// Seconds of each part that nothing hides.
    public let seconds: [Part: Double]
    /// What a worker sends in a step, and receives as well.
    public let bytesOfWorker: Double
    /// Seconds that one worker alone would take.
    public let secondsOfOne: Double
    private let workers: Int

    public var stepSeconds: Double { Part.allCases.reduce(0) { $0 + (seconds[$1] ?? 0) } }
    /// 1 where W workers are W times as fast as one.
    public var efficiency: Double { secondsOfOne / (Double(workers) * stepSeconds) }
    public var bottleneck: Part { Part.allCases.max { (seconds[$0] ?? 0) < (seconds[$1] ?? 0) } ?? .computing }

    public init(_ costs: Costs, _ cluster: Cluster) {
        precondition(cluster.workers >= 1 && cluster.units >= 1 && cluster.bytesPerSecond > 0, "\(cluster)")
        let (W, U) = (cluster.workers, cluster.units)
        workers = W
        unitsOfBusiest = (U + W - 1) / W
        idleWorkers = max(0, W - U)
        let replicas = min(cluster.replicas, W)
        let M = Double(costs.bytes)

        /// Roots that a worker pushes; who computes at all pushes one.
        func roots(_ workers: Int) -> Double {
            max(1, Double(Self.roots(units: U, workers: workers)) / Double(workers))
        }
        /// To the owners, as owner to the buddies (replicas - 1), and the new weights to the rest (workers - replicas).
        func sent(_ workers: Int) -> Double { M / Double(workers) * Double(workers - 1) * (roots(workers) + 1) }
        bytesOfWorker = sent(W)

        /// Processor seconds of the socket thread and ZeroMQ's until the sums are whole.
        func exchanging(units: Int, workers: Int, replicas: Int) -> Double {
            let share = M / Double(workers)
            // k units in b blocks are k - b sums of M; the b W roots of all are b W - 1 sums of the owner's share.
            let summed = Double(units) * M - share
            // Every root is digested before it goes and verified at its owner, our own too. An owner digests the whole sum and
            // takes its norm, a pass like that; each buddy verifies the sum; all keepers digest their slots, where there are
            // buddies to compare them with.
            let slots = replicas > 1 ? replicas * costs.slots : 0
            let digested = 2 * roots(workers) * M + share * Double(1 + replicas + slots)
            return sent(workers) * costs.wireSecondsPerByte + summed * costs.sumSecondsPerByte
                + digested * costs.digestSecondsPerByte
        }

        func step(units: Int, workers: Int, replicas: Int) -> [Part: Double] {
            let alone = workers == 1
            let share = M / Double(workers)
            let hasSpare = cluster.processors > Double(cluster.computeThreads)
            let decoding = Double(units * cluster.clipsPerUnit) * costs.decodeSecondsPerClip
            let pace = min(1, cluster.processors)
            // The compute thread loads the new weights, all of them, before the first unit.
            let computing =
                Double(units) * costs.unitSeconds + M * costs.copySecondsPerByte / pace
                + (hasSpare ? 0 : decoding / cluster.processors)
            // The sockets' thread works beside the others only where a processor is left for it, and as long as they compute;
            // it takes longer where it has not even one.
            let update = Double(replicas) * share * costs.updateSecondsPerByte
            let exchange = exchanging(units: units, workers: workers, replicas: replicas) / pace
            var seconds: [Part: Double] = [
                .computing: computing,
                .decoding: max(0, decoding / min(Double(cluster.decodeThreads), cluster.processors) - computing),
                .updating: update / pace + (hasSpare ? max(0, exchange - computing) : exchange),
                .commit: costs.commitSeconds,
            ]
            guard !alone else { return seconds }
            // Gradients queue at the link as the last backward pass makes them, behind what is left of the roots before.
            let each = Double(workers - 1 + replicas - 1) / Double(workers) / cluster.bytesPerSecond
            let before = (roots(workers) - 1) * share * Double(workers - 1) / cluster.bytesPerSecond
            let backlog = max(0, before - Double(units - 1) * costs.unitSeconds)
            let end = costs.gradients.reduce(backlog) { max($0, $1.seconds) + Double($1.bytes) * each }
            seconds[.pushing] = max(0, end - costs.unitSeconds)
            seconds[.fetching] = share * Double(workers - replicas) / cluster.bytesPerSecond
            return seconds
        }
        seconds = step(units: unitsOfBusiest, workers: W, replicas: replicas)
        secondsOfOne = step(units: U, workers: 1, replicas: 1).values.reduce(0, +)
    }

    /// Blocks in which the coordinator leases a step to workers of one speed: the root of each is pushed. Blocks have a power of
    /// two of units, so that 12 units on two workers are 5, not 2.
    package static func roots(units: Int, workers: Int) -> Int {
        var (free, roots) = (units, 0)
        while free > 0 {
            let pool = roots < workers ? units : free
            let size = min(free, UnitBlock.leasedUnits(of: pool, share: 1 / Double(workers)))
            free -= 1 << UnitBlock.log2(ofAtMost: size)
            roots += 1
        }
        return roots
    }
}

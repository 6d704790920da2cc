/// How long a step of a cluster takes, worked out from what its parts cost: a pure function.
///
/// The life of a step is `docs/protocol.md`'s: a worker computes its units, pushes the sum of its block while the last
/// backward pass still runs, owners and buddies update, the others fetch the new weights. docs/performance.md tells the
/// formula and how far it has been compared with clusters.
public struct ClusterPlan: Sendable, Equatable {
    /// What the parts cost on one worker.
    public struct Costs: Sendable, Equatable {
        /// Seconds of a unit, forward and backward, by the clock: with the processors that a worker has.
        public var unitSeconds: Double
        /// In the order of the backward pass: how long after the unit's beginning a gradient is there, and its bytes.
        public var gradients: [Gradient]
        /// Processor seconds of a byte on its way: encrypting, sending, receiving and decrypting, both ends.
        public var wireSecondsPerByte: Double
        /// Processor seconds of adding a byte of a gradient to a sum, and of updating the weights for one.
        public var sumSecondsPerByte: Double
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
            unitSeconds: Double, gradients: [Gradient], wireSecondsPerByte: Double, sumSecondsPerByte: Double,
            updateSecondsPerByte: Double, decodeSecondsPerClip: Double, commitSeconds: Double
        ) {
            self.unitSeconds = unitSeconds
            self.gradients = gradients
            self.wireSecondsPerByte = wireSecondsPerByte
            self.sumSecondsPerByte = sumSecondsPerByte
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
        let share = M / Double(W)
        // To the owners, as owner to the buddies, and the new weights to the rest.
        let pushed = share * Double(W - 1 + replicas - 1)
        let fetched = share * Double(W - replicas)
        bytesOfWorker = pushed + fetched

        func step(units: Int, workers: Int, replicas: Int) -> [Part: Double] {
            let alone = workers == 1
            let share = M / Double(workers)
            let hasSpare = cluster.processors > Double(cluster.computeThreads)
            let decoding = Double(units * cluster.clipsPerUnit) * costs.decodeSecondsPerClip
            let computing =
                Double(units) * costs.unitSeconds + (hasSpare ? 0 : decoding / cluster.processors)
            // The sockets' thread works beside the others only where a processor is left for it, and takes longer where it has
            // not even one.
            let pace = min(1, cluster.processors)
            let update = Double(replicas) * share * costs.updateSecondsPerByte
            let wire = alone ? 0 : 2 * share * Double(workers - 1) * costs.wireSecondsPerByte
            let sums = (M - share) * costs.sumSecondsPerByte
            var seconds: [Part: Double] = [
                .computing: computing,
                .decoding: max(0, decoding / min(Double(cluster.decodeThreads), cluster.processors) - computing),
                .updating: (update + (hasSpare ? 0 : wire + sums)) / pace, .commit: costs.commitSeconds,
            ]
            guard !alone else { return seconds }
            // Gradients queue at the link as the last backward pass makes them.
            let each = Double(workers - 1 + replicas - 1) / Double(workers) / cluster.bytesPerSecond
            let end = costs.gradients.reduce(0.0) { max($0, $1.seconds) + Double($1.bytes) * each }
            seconds[.pushing] = max(0, end - costs.unitSeconds)
            seconds[.fetching] = share * Double(workers - replicas) / cluster.bytesPerSecond
            return seconds
        }
        seconds = step(units: unitsOfBusiest, workers: W, replicas: replicas)
        secondsOfOne = step(units: U, workers: 1, replicas: 1).values.reduce(0, +)
    }
}

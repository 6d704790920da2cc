internal import Wire

/// How the state of a model is cut into chunks: what shards own, what travels, what the optimizer updates.
///
/// The cut depends on the model alone, never on the cluster. A chunk never crosses a parameter; parameters come in the
/// model's order (the forward order), then the batch-norm statistics, one chunk for each layer.
public struct ChunkPlan: Sendable, Hashable {
    /// A trained tensor, flattened.
    public struct Parameter: Sendable, Hashable {
        public var count: Int
        /// How fast it decays, as the optimizer takes it; 0: not.
        public var weightDecay: Float
        /// It keeps its first values: no gradient, no update, no decay.
        public var isFrozen: Bool
        /// What the step's learning rate is multiplied by.
        public var rate: Float

        public init(count: Int, weightDecay: Float = 0, isFrozen: Bool = false, rate: Float = 1) {
            self.count = count
            self.weightDecay = weightDecay
            self.isFrozen = isFrozen
            self.rate = rate
        }
    }

    /// The running statistics of one batch-norm layer.
    public struct Statistics: Sendable, Hashable {
        public var channels: Int
        /// The share of the old value that an update keeps, 0 to 1 (Caffe2's momentum; 1 − PyTorch's).
        public var retention: Double
        /// What the biased variance of a unit is multiplied by before it is averaged: n/(n − 1) of the elements per
        /// channel for the families that keep unbiased variances, 1 for the others.
        public var varianceScale: Double
        /// They keep their first values, and computing normalises with them.
        public var isFrozen: Bool

        public init(channels: Int, retention: Double, varianceScale: Double, isFrozen: Bool = false) {
            self.channels = channels
            self.retention = retention
            self.varianceScale = varianceScale
            self.isFrozen = isFrozen
        }
    }

    public let parameters: [Parameter]
    public let statistics: [Statistics]
    /// What is kept of each parameter.
    public let slots: [Slot]
    /// By chunk number.
    public let chunks: [Chunk]
    /// The numbers of the chunks that every step changes: each gets a gradient, or statistics, from each unit.
    public let changing: [Int]
    private let firstChunks: [Int]

    /// - Parameters:
    ///   - slots: What the optimizer keeps of each parameter, the weights first. Running statistics are averaged where
    ///     parameters are.
    ///   - limit: Most f32 elements of a chunk; 4 MiB of weights unless said otherwise.
    public init(
        parameters: [Parameter], statistics: [Statistics], slots: [Slot] = [.weights, .momentum],
        limit: Int = 1 << 20
    ) {
        precondition(limit > 0, "chunks of \(limit) elements")
        precondition(slots.first == .weights, "the first slot holds the weights")
        self.parameters = parameters
        self.statistics = statistics
        self.slots = slots
        let running = slots.filter { $0 == .weights || $0 == .average }
        var chunks: [Chunk] = []
        var firstChunks: [Int] = []
        for (index, parameter) in parameters.enumerated() {
            firstChunks.append(chunks.count)
            // Pieces of nearly equal size, multiples of 16 elements but for the last.
            let pieces = max(1, (parameter.count + limit - 1) / limit)
            let size = max(16, ((parameter.count + pieces - 1) / pieces + 15) / 16 * 16)
            var start = 0
            repeat {
                let end = min(parameter.count, start + size)
                chunks.append(
                    Chunk(
                        number: chunks.count, content: .parameter(index, start..<end), elements: end - start,
                        kinds: slots, weightDecay: parameter.weightDecay, isFrozen: parameter.isFrozen,
                        rate: parameter.rate))
                start = end
            } while start < parameter.count
        }
        firstChunks.append(chunks.count)
        for (index, layer) in statistics.enumerated() {
            chunks.append(
                Chunk(
                    number: chunks.count, content: .statistics(index), elements: 2 * layer.channels, kinds: running,
                    weightDecay: 0, isFrozen: layer.isFrozen, rate: 1))
        }
        self.chunks = chunks
        changing = chunks.filter { !$0.isFrozen }.map(\.number)
        self.firstChunks = firstChunks
    }

    /// The numbers of the chunks that hold parameters; the rest are statistics.
    public var trained: Range<Int> { 0..<firstChunks[parameters.count] }

    /// Whether whoever computes needs the chunk: all parameters, and the statistics that stay as they are.
    public func isComputedWith(_ chunk: Int) -> Bool {
        chunks.indices.contains(chunk) && (!chunks[chunk].isStatistics || chunks[chunk].isFrozen)
    }

    /// The chunks of one parameter.
    public func chunks(ofParameter index: Int) -> Range<Int> { firstChunks[index]..<firstChunks[index + 1] }

    /// The chunk of one batch-norm layer.
    public func chunk(ofStatistics index: Int) -> Int { trained.upperBound + index }

    /// The same for the same cut on every machine: workers whose plans differ must not meet.
    public var digest: UInt64 {
        let parts: [UInt64] =
            parameters.flatMap { parameter -> [UInt64] in
                let flags: UInt64 = (parameter.weightDecay != 0 ? 1 : 0) | (parameter.isFrozen ? 2 : 0)
                return [UInt64(parameter.count), flags | UInt64(parameter.rate.bitPattern ^ Float(1).bitPattern) << 32]
            }
            + statistics.flatMap {
                [
                    UInt64($0.channels) | ($0.isFrozen ? 1 << 63 : 0), $0.retention.bitPattern,
                    $0.varianceScale.bitPattern,
                ]
            } + chunks.map { UInt64($0.elements) }
            // What SGD keeps adds nothing: so the digests of checkpoints of release 0.1.0 stay.
            + (slots == [.weights, .momentum] ? [] : slots.map { combinedDigest($0.rawValue.utf8.map(UInt64.init)) })
        return combinedDigest(parts)
    }
}

/// A piece of the model's state.
public struct Chunk: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        /// These elements of this parameter.
        case parameter(Int, Range<Int>)
        /// The running means, then variances, of this batch-norm layer.
        case statistics(Int)
    }

    public let number: Int
    public let content: Content
    /// f32 elements of a slot.
    public let elements: Int
    /// What is kept of it, the weights first.
    public let kinds: [Slot]
    /// How fast it decays, as the optimizer takes it; 0: not.
    public let weightDecay: Float
    /// It keeps its first values.
    public let isFrozen: Bool
    /// What the step's learning rate is multiplied by.
    public let rate: Float

    public var isStatistics: Bool {
        if case .statistics = content { return true }
        return false
    }

    /// Bytes of a unit's contribution and of its sums: f32 gradients, or f64 means and variances.
    public var gradientBytes: Int { elements * (isStatistics ? 8 : 4) }
    /// Bytes of the weights, and of every other slot.
    public var slotBytes: Int { elements * 4 }
    /// How many slots the state has.
    public var slots: Int { kinds.count }
}

public import Faults
public import Kernels

/// Forward and backward over the N clips of one gradient unit, all memory taken beforehand.
///
/// Set every parameter, fill `input`, `run`. The result is a function of the parameters, the clips and the labels: the
/// same bits for any number of threads. Not safe to share between threads: it belongs to the thread that runs it.
public final class TrainingPass {
    /// What batch norm normalises with.
    public enum Normalisation: Sendable {
        /// The unit's own statistics, which the gradient passes through: training.
        case batch
        /// The statistics that were set, which stay fixed: a frozen network.
        case running
    }

    /// What is minimised, as the mean over the unit's clips.
    public enum Loss: Sendable {
        /// Cross-entropy of the softmax of the logits.
        case softmaxCrossEntropy
        /// The same of scores, which are the softmax of the logits: what pytorchvideo's X3D gives in training. The logits
        /// that the pass shows are the scores then.
        case ofScores
    }

    /// What a unit is worth besides its gradients.
    public struct Result: Sendable, Equatable {
        /// The mean cross-entropy of the unit's clips.
        public var loss: Double
        /// How many clips have their label's logit above all others.
        public var correct: Int
    }

    public let network: NetworkDescription
    /// Clips of a unit.
    public let N: Int
    public let normalisation: Normalisation
    public let loss: Loss
    private let execution: Execution
    /// Where the loss is of them.
    private var scores: [Float]
    /// Means, then variances as the family counts them, of each batch norm in the last run.
    private var statistics: [[Double]]

    /// - Parameters:
    ///   - frozen: by parameter, those that get no gradient; empty: none. A batch norm whose parameters both are frozen
    ///     normalises with the running statistics that were set; where nothing trained lies below, backward stops.
    ///   - defers: results of batch norm and ReLU that only a convolution reads are not stored but computed when it reads
    ///     them: the same bits in less memory.
    ///   - memory: shared with other passes, after any run of which every parameter is to be set anew; nil: its own.
    /// - Throws: a usage `Fault` when there is no convolution of the name asked for, or when the network ends with a head
    ///   for tests.
    public init(
        _ network: NetworkDescription, N: Int, pool: ThreadPool, instructionSet: InstructionSet,
        implementation: Convolution.Choice = .auto, normalisation: Normalisation = .batch,
        loss: Loss = .softmaxCrossEntropy, frozen: [Bool] = [], policy: MemoryPolicy = MemoryPolicy(),
        defers: Bool = true, memory: PassMemory? = nil
    ) throws(Fault) {
        self.network = network
        self.N = N
        self.normalisation = normalisation
        self.loss = loss
        scores = loss == .ofScores ? [Float](repeating: 0, count: N * network.classes) : []
        execution = try Execution(
            network, N: N, training: true, frozen: frozen, policy: policy, memory: memory,
            Kernel.Joining(defers: defers, sums: normalisation == .batch, folds: false), pool: pool,
            instructionSet: instructionSet, implementation: implementation)
        statistics = network.statistics.map { [Double](repeating: 0, count: 2 * $0.C) }
    }

    /// Where the clips go before `run`: N T H W C. They stay as they are.
    public var input: UnsafeMutableBufferPointer<Float> { execution.input }

    /// Of the last run, N times `classes`.
    public var logits: UnsafeBufferPointer<Float> { execution.logits }

    /// Bytes of activations, gradients, parameters and scratch, all taken when the pass is made.
    public var memoryBytes: Int { execution.arena.bytes }

    /// Multiply-accumulates of one clip's forward pass that are computed a second time.
    public var recomputedMacs: Int { execution.recomputedMacs }

    /// Sets elements `range` of a parameter from f32 of any alignment. `run` reads a parameter for the last
    /// time before it hands on its gradient.
    public func setParameter(_ index: Int, range: Range<Int>, bytes: UnsafeRawBufferPointer) {
        execution.setParameter(index, range, bytes)
    }

    /// Sets a whole parameter.
    public func setParameter(_ index: Int, _ values: [Float]) {
        values.withUnsafeBytes { execution.setParameter(index, 0..<values.count, $0) }
    }

    /// A parameter as it is, asked for anew before each change. It may be changed between runs, and in a run once its gradient was handed on: that run does
    /// not read it again.
    public func parameter(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
        execution.changes(parameter: index)
        return UnsafeMutableBufferPointer(start: execution.parameters[index], count: network.parameters[index].count)
    }

    /// Sets the statistics that `.running`, or a frozen batch norm, normalises with; C values each.
    public func setStatistics(_ index: Int, mean: [Float], variance: [Float]) {
        precondition(
            normalisation == .running || execution.hasFrozenStatistics[index], "a batch norm with statistics of its own"
        )
        mean.withUnsafeBufferPointer { mean in
            variance.withUnsafeBufferPointer { execution.setStatistics(index, mean: mean, variance: $0) }
        }
    }

    /// The unit's mean of each channel at batch norm `index` in the last run.
    public func mean(_ index: Int) -> ArraySlice<Double> { statistics[index][..<network.statistics[index].C] }

    /// The unit's variance of each channel, already unbiased where the family's running variance is.
    public func variance(_ index: Int) -> ArraySlice<Double> { statistics[index][network.statistics[index].C...] }

    /// Gets the time that each layer takes in the runs to come; nil: nobody measures.
    public var profile: PassProfile? {
        get { execution.profile }
        set { execution.profile = newValue }
    }

    /// Runs the unit.
    ///
    /// - Parameters:
    ///   - labels: N of them, each in 0..<classes.
    ///   - targets: N · classes probabilities that the loss takes in place of the labels, which `correct` still counts; nil:
    ///     the labels.
    ///   - draws: decides what dropout drops; nil: nothing.
    ///   - onGradient: gets each trained parameter's gradient of the mean loss as soon as it is final, in
    ///     `network.gradientOrder`, while the rest of the backward pass has yet to run. The memory is reused afterwards.
    public func run<Failure: Error>(
        labels: [Int], targets: [Double]? = nil, draws: ClipDraws? = nil,
        onGradient: (_ parameter: Int, _ gradient: UnsafeBufferPointer<Float>) throws(Failure) -> Void
    ) throws(Failure) -> Result {
        precondition(labels.count == N, "\(labels.count) labels for \(N) clips")
        precondition(targets.map { $0.count == N * network.classes } ?? true, "\(targets?.count ?? 0) targets")
        precondition(draws.map { $0.positions.count == N } ?? true, "\(N) clips at \(draws?.positions ?? 0..<0)")
        execution.draws = draws
        execution.profile?.begin()
        for index in execution.kernels.indices {
            execution.forward(index, N: N, ownStatistics: normalisation == .batch)
        }
        let (loss, correct) = lossAndGradient(labels, targets ?? [])
        takeStatistics()
        for (_, work) in execution.plan.schedule.behindLoss {
            switch work {
            case .recompute(let index): execution.recompute(index)
            case .backward(let index):
                try execution.backward(index, frozenStatistics: normalisation == .running, onGradient: onGradient)
            }
        }
        return Result(loss: loss, correct: correct)
    }

    /// Forward alone, dropout dropping nothing: `mean` and `variance` are of the clips in `input` then.
    public func runForward() {
        execution.draws = nil
        execution.profile?.begin()
        for index in execution.kernels.indices {
            execution.forward(index, N: N, ownStatistics: normalisation == .batch)
        }
        takeStatistics()
    }

    private func lossAndGradient(_ labels: [Int], _ targets: [Double]) -> (loss: Double, correct: Int) {
        labels.withUnsafeBufferPointer { labels in
            targets.withUnsafeBufferPointer { targets in
                lossAndGradient(
                    labels.baseAddress.unsafelyUnwrapped, targets.isEmpty ? nil : targets.baseAddress)
            }
        }
    }

    private func lossAndGradient(
        _ labels: UnsafePointer<Int>, _ targets: UnsafePointer<Double>?
    ) -> (loss: Double, correct: Int) {
        let logits = execution.tensors[network.layers.count - 1]
        switch loss {
        case .softmaxCrossEntropy:
            return SoftmaxCrossEntropy.run(
                N: N, K: network.classes, logits: logits, labels: labels, targets: targets,
                dlogits: execution.logitsGradient)
        case .ofScores:
            let result = scores.withUnsafeMutableBufferPointer {
                SoftmaxCrossEntropy.runOnScores(
                    N: N, K: network.classes, logits: logits, labels: labels, targets: targets,
                    scores: $0.baseAddress.unsafelyUnwrapped, dlogits: execution.logitsGradient)
            }
            logits.update(from: scores, count: scores.count)
            return result
        }
    }

    private func takeStatistics() {
        for (index, layer) in network.statistics.enumerated() {
            let scale = layer.varianceScale(N: N)
            for c in 0..<layer.C {
                statistics[index][c] = execution.means[index][c]
                statistics[index][layer.C + c] = execution.variances[index][c] * scale
            }
        }
    }
}

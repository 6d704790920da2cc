public import Faults
public import Kernels

/// Forward with running statistics: clips in, logits out, all memory taken beforehand.
///
/// The logits of a clip do not depend on the clips beside it, nor on the number of threads. Not safe to share between
/// threads: it belongs to the thread that runs it.
public final class InferencePass {
    public let network: NetworkDescription
    /// The most clips of one run.
    public let N: Int
    private let execution: Execution
    private let keeping: Set<Int>

    /// - Parameters:
    ///   - keeping: numbers of layers whose activations can be read after a run. Joins stop at them, so sums behind them
    ///     may round differently from those of a pass that keeps nothing.
    ///   - folds: convolutions hold the batch norms behind them in their weights, with residuals and ReLUs joined;
    ///     without it the arithmetic is that of a frozen training pass, bit for bit.
    /// - Throws: a usage `Fault` when there is no convolution of the name asked for.
    public init(
        _ network: NetworkDescription, N: Int, pool: ThreadPool, instructionSet: InstructionSet,
        implementation: Convolution.Choice = .auto, folds: Bool = true, keeping: Set<Int> = []
    ) throws(Fault) {
        precondition(keeping.allSatisfy(network.layers.indices.contains), "layers \(keeping) of \(network.name)")
        self.network = network
        self.N = N
        self.keeping = keeping
        execution = try Execution(
            network, N: N, training: false, policy: MemoryPolicy(keepsPacked: true), keeping: keeping,
            Kernel.Joining(defers: false, sums: false, folds: folds), pool: pool, instructionSet: instructionSet,
            implementation: implementation)
    }

    /// Where the clips go before `run`: up to N of T H W C. They stay as they are.
    public var input: UnsafeMutableBufferPointer<Float> { execution.input }

    /// Bytes of activations, parameters and scratch, all taken when the pass is made.
    public var memoryBytes: Int { execution.arena.bytes }

    /// Sets elements `range` of a parameter from f32 of any alignment.
    public func setParameter(_ index: Int, range: Range<Int>, bytes: UnsafeRawBufferPointer) {
        execution.setParameter(index, range, bytes)
    }

    /// Sets a whole parameter.
    public func setParameter(_ index: Int, _ values: [Float]) {
        values.withUnsafeBytes { execution.setParameter(index, 0..<values.count, $0) }
    }

    /// Sets the running statistics of batch norm `index`; C values each.
    public func setStatistics(_ index: Int, mean: [Float], variance: [Float]) {
        mean.withUnsafeBufferPointer { mean in
            variance.withUnsafeBufferPointer { execution.setStatistics(index, mean: mean, variance: $0) }
        }
    }

    /// The logits of the first `clips` clips of `input`, or the scores where the network ends with a `softmaxMean`,
    /// `classes` for each; valid until the next run.
    @discardableResult
    public func run(clips: Int? = nil) -> UnsafeBufferPointer<Float> {
        let clips = clips ?? N
        precondition((1...N).contains(clips), "\(clips) clips in a pass of \(N)")
        execution.pack()
        for index in execution.kernels.indices { execution.forward(index, N: clips, ownStatistics: false) }
        return execution.logits.extracting(0..<clips * network.classes)
    }

    /// What layer `layer`, one of those kept, made of the first `clips` clips of the last run: for each its map,
    /// T H W C; valid until the next run.
    public func activation(_ layer: Int, clips: Int) -> UnsafeBufferPointer<Float> {
        precondition(keeping.contains(layer), "layer \(layer) is not kept")
        precondition((1...N).contains(clips), "\(clips) clips of a pass of \(N)")
        return UnsafeBufferPointer(
            start: execution.tensors[layer], count: clips * network.layers[layer].map.count)
    }
}

import Faults
import Kernels

/// A network laid out in memory and run forward: what training and inference share.
///
/// Everything is taken when it is made; a run allocates nothing. Not safe to share between threads: it belongs to the
/// thread that runs it.
final class Execution {
    let network: NetworkDescription
    let kernels: [Kernel]
    let plan: PassPlan
    let pool: ThreadPool
    /// The most clips of one run.
    let N: Int
    let arena: Arena
    let elementwise: Elementwise
    /// By tensor, parameter, kernel and batch norm, as in the plan; where the plan has no buffer, the arena's start,
    /// which nobody asks for.
    let tensors: [UnsafeMutablePointer<Float>]
    let parameters: [UnsafeMutablePointer<Float>]
    let packedForward: [UnsafeMutablePointer<Float>]
    let folded: UnsafeMutablePointer<Float>
    let scratch: [UnsafeMutablePointer<Float>]
    let means: [UnsafeMutablePointer<Double>]
    let variances: [UnsafeMutablePointer<Double>]
    let sums: [UnsafeMutablePointer<Double>]
    let factors: [UnsafeMutablePointer<Float>]
    let offsets: [UnsafeMutablePointer<Float>]
    let clipMeans: [UnsafeMutablePointer<Float>]
    let swishSums: [UnsafeMutablePointer<Double>]
    let isTraining: Bool
    /// Parameters that get no gradient, and batch norms that normalise with their running statistics in training, too.
    let isFrozen: [Bool]
    let hasFrozenStatistics: [Bool]
    let keepsPacked: Bool
    /// Multiply-accumulates of one clip's forward pass that are computed a second time.
    let recomputedMacs: Int
    /// The kernel whose packings hold each parameter and each batch norm's statistics, and whether the packings for
    /// forward and for backward-data are out of date, by kernel.
    private let packer: [Int?]
    private let statisticsPacker: [Int?]
    /// What decides which elements a dropout drops; nil: none.
    var draws: ClipDraws?
    /// Gets the time of everything, if asked for.
    var profile: PassProfile?
    var staleForward: [Bool]
    private var staleBackward: [Bool]

    /// - Parameters:
    ///   - frozen: By parameter; empty: none.
    ///   - keeping: layers whose tensors can be read after a run.
    ///   - memory: large enough; nil: its own.
    init(
        _ network: NetworkDescription, N: Int, training: Bool, frozen: [Bool] = [], policy: MemoryPolicy,
        keeping: Set<Int> = [], memory: PassMemory? = nil, _ joining: Kernel.Joining,
        pool: ThreadPool, instructionSet: InstructionSet, implementation: Convolution.Choice
    ) throws(Fault) {
        precondition(N >= 1, "a pass over \(N) clips")
        self.network = network
        self.N = N
        elementwise = Elementwise(instructionSet: instructionSet)
        self.pool = pool
        let kernels = try Kernel.list(
            network, joining, training: training, keeping: keeping, instructionSet: instructionSet,
            implementation: implementation)
        let isFrozen = frozen.isEmpty ? network.parameters.map { _ in false } : frozen
        precondition(isFrozen.count == network.parameters.count, "\(frozen.count) parameters frozen or not")
        let plan =
            training
            ? PassPlan(
                training: network, kernels, N: N, threads: pool.threads, isFrozen: isFrozen, policy: policy)
            : PassPlan(inference: network, kernels, N: N, threads: pool.threads, keeping: keeping)
        let arena: Arena
        if let memory {
            precondition(plan.memory.size <= memory.arena.bytes, "\(plan.memory.size) bytes in shared memory")
            arena = memory.arena
        } else {
            arena = try Arena(
                bytes: plan.memory.size, for: "\(network.name), \(N) clips of \(network.input)",
                mend: (training && policy.recomputation == .none
                    ? "recompute activations (--recompute, where a command has it), or " : "")
                    + "take fewer clips at a time, fewer frames or smaller ones")
        }
        func floats(_ buffer: MemoryPlan.Buffer?) -> UnsafeMutablePointer<Float> {
            arena.floats(at: buffer.map { plan.memory.offset($0) } ?? 0)
        }
        func doubles(_ buffer: MemoryPlan.Buffer) -> UnsafeMutablePointer<Double> {
            arena.doubles(at: plan.memory.offset(buffer))
        }
        tensors = plan.tensors.map(floats)
        parameters = plan.parameters.map(floats)
        packedForward = plan.packedForward.map(floats)
        folded = floats(plan.folded)
        scratch = plan.scratch.map(floats)
        means = plan.means.map(doubles)
        variances = plan.variances.map(doubles)
        sums = plan.sums.map(doubles)
        factors = plan.factors.map(floats)
        offsets = plan.offsets.map(floats)
        clipMeans = plan.clipMeans.map(floats)
        swishSums = plan.swishSums.map(doubles)
        isTraining = training
        self.isFrozen = isFrozen
        hasFrozenStatistics = network.frozenStatistics(parameters: isFrozen)
        keepsPacked = policy.keepsPacked
        recomputedMacs = plan.recomputedMacs
        var packer = [Int?](repeating: nil, count: network.parameters.count)
        var statisticsPacker = [Int?](repeating: nil, count: network.statistics.count)
        for (index, kernel) in kernels.enumerated() {
            if let packing = kernel.packing { packer[packing.weight] = index }
            guard case .convolution(_, let what) = kernel.operation, let fold = what.folded?.what else { continue }
            packer[fold.scale] = index
            packer[fold.shift] = index
            if let bias = what.bias { packer[bias] = index }
            statisticsPacker[fold.statistics] = index
        }
        self.packer = packer
        self.statisticsPacker = statisticsPacker
        staleForward = [Bool](repeating: true, count: kernels.count)
        staleBackward = staleForward
        self.kernels = kernels
        self.plan = plan
        self.arena = arena
    }

    /// The clips, N T H W C.
    var input: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: tensors[0], count: N * network.input.count)
    }

    /// The logits of the last run, N times `classes`.
    var logits: UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: tensors[network.layers.count - 1], count: N * network.classes)
    }

    func setParameter(_ index: Int, _ range: Range<Int>, _ bytes: UnsafeRawBufferPointer) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= network.parameters[index].count
                && bytes.count == 4 * range.count,
            "\(bytes.count) bytes for elements \(range) of \(network.parameters[index].name)")
        guard let source = bytes.baseAddress else { return }
        UnsafeMutableRawPointer(parameters[index] + range.lowerBound).copyMemory(from: source, byteCount: bytes.count)
        changes(parameter: index)
    }

    /// The packings of a parameter are out of date.
    func changes(parameter index: Int) {
        guard let kernel = packer[index] else { return }
        staleForward[kernel] = true
        staleBackward[kernel] = true
    }

    func setStatistics(_ index: Int, mean: UnsafeBufferPointer<Float>, variance: UnsafeBufferPointer<Float>) {
        let C = network.statistics[index].C
        precondition(mean.count == C && variance.count == C, "statistics of \(network.statistics[index].layer)")
        for c in 0..<C {
            means[index][c] = Double(mean[c])
            variances[index][c] = Double(variance[c])
        }
        if let kernel = statisticsPacker[index] { staleForward[kernel] = true }
    }

    /// What a batch norm multiplies with and adds, as its kernel wrote it in this run.
    func prologue(_ statistics: Int) -> Prologue {
        Prologue(factor: factors[statistics], offset: offsets[statistics])
    }

    /// Inference: packs the weights that changed since they were packed last, for all runs to come.
    func pack() {
        for (index, kernel) in kernels.enumerated() where staleForward[index] {
            staleForward[index] = false
            var weights: UnsafePointer<Float>?
            if case .convolution(let convolution, let what) = kernel.operation, let fold = what.folded {
                let n = fold.what.statistics
                fold.norm.fold(
                    count: convolution.shape.weightCount, weights: parameters[what.weight],
                    bias: what.bias.map { UnsafePointer(parameters[$0]) }, scale: parameters[fold.what.scale],
                    shift: parameters[fold.what.shift], mean: means[n], variance: variances[n], folded: folded,
                    offset: offsets[n], pool: pool)
                weights = UnsafePointer(folded)
            }
            pack(kernel, weights: weights, into: packedForward[index], for: .forward)
        }
    }

    /// Packs kernel `index`'s weights for backward-data, unless that was done and kept, or they are read as they are.
    func packBackward(_ index: Int, into packed: UnsafeMutablePointer<Float>) {
        guard !kernels[index].readsCanonical(.backwardData), !keepsPacked || staleBackward[index] else { return }
        staleBackward[index] = false
        pack(kernels[index], into: packed, for: .backwardData)
    }

    /// Packs a kernel's weights, or others in their place.
    func pack(
        _ kernel: Kernel, weights: UnsafePointer<Float>? = nil, into packed: UnsafeMutablePointer<Float>,
        for pass: Convolution.Pass
    ) {
        switch kernel.operation {
        case .convolution(let convolution, let what):
            convolution.pack(
                weights: weights ?? UnsafePointer(parameters[what.weight]), into: packed, for: pass, pool: pool)
        case .linear(let linear, let weight, _):
            linear.pack(weights: parameters[weight], into: packed, for: pass, pool: pool)
        default: break
        }
    }
}

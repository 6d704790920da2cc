internal import Faults
internal import Kernels
internal import Models
internal import Training
internal import Wire

/// The network laid out for the clips of each step, with the weights that were loaded last.
///
/// Where all steps are alike there is one pass, which holds the weights itself. Otherwise the passes are made when they are
/// first needed and run in one piece of memory, as large as the largest takes; the weights are kept beside it, and a pass
/// whose turn it is gets them. Memory therefore does not grow with the number of shapes, but for a copy of the weights.
final class ShapedPasses {
    /// What a pass is laid out for.
    private struct Key: Hashable {
        var frames: Int
        var crop: Int
        var N: Int

        init(_ batch: StepBatch) { (frames, crop, N) = (batch.clip.frames, batch.clip.crop, batch.clipsPerGroup) }
    }

    private let make: (NetworkDescription, Int, PassMemory?) throws(Fault) -> TrainingPass
    private var passes: [Key: TrainingPass] = [:]
    private var shared: Shared?
    /// What share of a unit's forward arithmetic runs a second time, for backward; the largest of all shapes.
    let recomputedShare: Double

    private struct Shared {
        let job: TrainingJob
        let memory: PassMemory
        var current: Key?
        /// The newest weights, and by layer the newest statistics that somebody set.
        var parameters: [[Float]]
        var statistics: [(mean: [Float], variance: [Float])?]
        /// What `current` does not have yet.
        var staleParameters: [Bool]
        var staleStatistics: [Bool]
    }

    init(
        job: TrainingJob, batches: [StepBatch], instructionSet: InstructionSet, pool: ThreadPool, recomputes: Bool
    ) throws(Fault) {
        let normalisation: TrainingPass.Normalisation = job.recipe.optimizer.freezesStatistics ? .running : .batch
        let frozen = job.plan.parameters.map(\.isFrozen)
        // Several groups run on the same weights as several units do.
        let runs = job.recipe.batch.units * (batches.map(\.groups).max() ?? 1)
        let policy = MemoryPolicy.ofWorker(recomputes: recomputes, units: runs)
        let convolution = job.recipe.numerics.convolutionChoice
        let make = { (network: NetworkDescription, N: Int, memory: PassMemory?) throws(Fault) -> TrainingPass in
            try TrainingPass(
                network, N: N, pool: pool, instructionSet: instructionSet, implementation: convolution,
                normalisation: normalisation, frozen: frozen, policy: policy, memory: memory)
        }
        self.make = make
        let keys = Set(batches.map(Key.init))
        guard keys.count > 1 else {
            let network = try job.network(batches[0].clip)
            let pass = try make(network, batches[0].clipsPerGroup, nil)
            passes[Key(batches[0])] = pass
            recomputedShare = Double(pass.recomputedMacs) / Double(network.macs)
            return
        }
        var (bytes, share) = (0, 0.0)
        for batch in batches {
            let network = try job.network(batch.clip)
            let memory = try TrainingMemory(
                network, N: batch.clipsPerGroup, threads: pool.threads, instructionSet: instructionSet,
                implementation: convolution, normalisation: normalisation, frozen: frozen, policy: policy)
            bytes = max(bytes, memory.bytes)
            share = max(share, Double(memory.recomputedMacs) / Double(network.macs))
        }
        recomputedShare = share
        let network = job.network
        shared = Shared(
            job: job, memory: try PassMemory(bytes: bytes, for: "\(network.name), \(keys.count) shapes of clips"),
            parameters: network.parameters.map { [Float](repeating: 0, count: $0.count) },
            statistics: network.statistics.map { _ in nil },
            staleParameters: network.parameters.map { _ in true }, staleStatistics: network.statistics.map { _ in true }
        )
    }

    /// Takes f32 of any alignment for elements of a parameter.
    func load(parameter: Int, elements: Range<Int>, _ bytes: UnsafeRawBufferPointer) {
        guard shared != nil else {
            for pass in passes.values { pass.setParameter(parameter, range: elements, bytes: bytes) }
            return
        }
        shared?.parameters[parameter].withUnsafeMutableBytes { all in
            let stride = MemoryLayout<Float>.stride
            UnsafeMutableRawBufferPointer(rebasing: all[stride * elements.lowerBound..<stride * elements.upperBound])
                .copyMemory(from: bytes)
        }
        shared?.staleParameters[parameter] = true
    }

    func load(statistics layer: Int, mean: [Float], variance: [Float]) {
        guard shared != nil else {
            for pass in passes.values { pass.setStatistics(layer, mean: mean, variance: variance) }
            return
        }
        shared?.statistics[layer] = (mean, variance)
        shared?.staleStatistics[layer] = true
    }

    /// The pass for the groups of `batch`, with the newest weights.
    func pass(_ batch: StepBatch) throws(Fault) -> TrainingPass {
        let key = Key(batch)
        guard var now = shared else {
            guard let pass = passes[key] else {
                throw Fault(.internal, "a step of \(batch)", "is of a shape that was not prepared")
            }
            return pass
        }
        // Arrays are moved, not copied.
        shared = nil
        defer { shared = now }
        let pass: TrainingPass
        if let known = passes[key] {
            pass = known
        } else {
            pass = try make(try now.job.network(batch.clip), batch.clipsPerGroup, now.memory)
            passes[key] = pass
        }
        if now.current != key {
            // The other pass wrote over everything.
            now.current = key
            for index in now.staleParameters.indices { now.staleParameters[index] = true }
            for layer in now.staleStatistics.indices { now.staleStatistics[layer] = true }
        }
        for index in now.staleParameters.indices where now.staleParameters[index] {
            pass.setParameter(index, now.parameters[index])
            now.staleParameters[index] = false
        }
        for layer in now.staleStatistics.indices where now.staleStatistics[layer] {
            if let statistics = now.statistics[layer] {
                pass.setStatistics(layer, mean: statistics.mean, variance: statistics.variance)
            }
            now.staleStatistics[layer] = false
        }
        return pass
    }
}

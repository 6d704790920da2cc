public import Faults
public import Kernels

/// What a training pass takes, worked out without taking it.
public struct TrainingMemory: Sendable, Equatable {
    /// Of the whole pass: parameters, activations, gradients and scratch.
    public let bytes: Int
    /// Multiply-accumulates of one clip's forward pass that are computed a second time.
    public let recomputedMacs: Int

    /// Of a pass over `N` clips; the other parameters as `TrainingPass.init` takes them.
    ///
    /// - Throws: a usage `Fault` as `TrainingPass.init` does.
    public init(
        _ network: NetworkDescription, N: Int, threads: Int, instructionSet: InstructionSet,
        implementation: Convolution.Choice = .auto, normalisation: TrainingPass.Normalisation = .batch,
        frozen: [Bool] = [], policy: MemoryPolicy = MemoryPolicy()
    ) throws(Fault) {
        precondition(N >= 1 && threads >= 1, "a pass over \(N) clips with \(threads) threads")
        let kernels = try Kernel.list(
            network, Kernel.Joining(defers: true, sums: normalisation == .batch, folds: false), training: true,
            instructionSet: instructionSet, implementation: implementation)
        let plan = PassPlan(
            training: network, kernels, N: N, threads: threads,
            isFrozen: frozen.isEmpty ? network.parameters.map { _ in false } : frozen, policy: policy)
        bytes = Arena.rounded(plan.memory.size)
        recomputedMacs = plan.recomputedMacs
    }
}

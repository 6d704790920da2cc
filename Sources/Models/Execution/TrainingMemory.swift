public import Faults
public import Kernels

extension TrainingPass {
    /// Bytes that a pass over `N` clips takes when it is made, worked out without taking them.
    ///
    /// - Throws: a usage `Fault` as `init` does.
    public static func memoryBytes(
        _ network: NetworkDescription, N: Int, threads: Int, instructionSet: InstructionSet,
        implementation: Convolution.Choice = .auto
    ) throws(Fault) -> Int {
        precondition(N >= 1 && threads >= 1, "a pass over \(N) clips with \(threads) threads")
        let kernels = try Kernel.list(
            network, Kernel.Joining(defers: true, sums: true, folds: false), training: true,
            instructionSet: instructionSet, implementation: implementation)
        let plan = PassPlan(
            network, kernels, N: N, threads: threads, training: true,
            isFrozen: network.parameters.map { _ in false }, keepsPacked: false)
        return Arena.rounded(plan.memory.size)
    }
}

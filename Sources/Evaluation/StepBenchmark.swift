public import Faults
import Glibc
public import Kernels
public import Models
import Randomness
import Training

/// How long a forward pass and a whole step of training take in one process, as `peers/train_step.py` times PyTorch:
/// random clips; forward with the clips' own statistics, backward and the SGD update with momentum; then, when that
/// memory has been given back, inference forward.
public struct StepBenchmark: Sendable, Equatable {
    /// Seconds of each timed run, in rising order.
    public var forwardSeconds: [Double]
    public var stepSeconds: [Double]
    /// Clips of a step over the median step.
    public var clipsPerSecond: Double
    /// The process's largest resident memory when the training steps were over, MiB, and at the end.
    public var stepPeakMemory: Int
    public var peakMemory: Int
    public var parameters: Int
    /// Multiply-accumulates of one clip forward.
    public var macs: Int
    /// As many more steps, by layer and phase: milliseconds of the mean, and GFLOP/s where it multiplies.
    public struct Part: Sendable, Equatable {
        public var layer: String
        public var phase: PassProfile.Phase
        public var milliseconds: Double
        public var gigaflops: Double
    }
    /// In forward order; empty unless asked for.
    public var profile: [Part] = []
    /// The loss of the last step.
    public var loss: Double

    public var forwardMedian: Double { median(forwardSeconds) }
    public var stepMedian: Double { median(stepSeconds) }

    /// Times `runs` of each after one to warm up.
    ///
    /// - Throws: a usage `Fault` for an unknown network or convolution.
    public static func run(
        model: String, N: Int, frames: Int, size: Int, threads: Int, instructionSet: InstructionSet, runs: Int = 5,
        classes: Int = 400, implementation: Convolution.Choice = .auto, policy: MemoryPolicy = MemoryPolicy(),
        profiles: Bool = false
    ) throws(Fault) -> StepBenchmark {
        precondition(N >= 1 && threads >= 1 && runs >= 1, "\(runs) runs of \(N) clips on \(threads) threads")
        let network = try NetworkDescription(named: model, classes: classes, frames: frames, size: size)
        let pool = ThreadPool(threads: threads)
        func start(_ parameter: Int) -> [Float] { network.initialValue(parameter: parameter, seed: 0) }
        func fill(_ input: UnsafeMutableBufferPointer<Float>) {
            let draws = Draws(seed: 0, place: 0, purpose: .simulation)
            for i in input.indices { input[i] = 2 * draws.uniform(i) - 1 }
        }

        let stepSeconds: [Double]
        var parts: [Part] = []
        var loss = 0.0
        do {
            let pass = try TrainingPass(
                network, N: N, pool: pool, instructionSet: instructionSet, implementation: implementation,
                policy: policy)
            fill(pass.input)
            let settings = SGDSettings(momentum: 0.9, nesterov: true, convention: .rateOutside)
            let trainer = LocalTrainer(
                pass, settings: settings, weightDecay: 1e-4, rate: 0.01, pool: pool, start: start)
            let labels = (0..<N).map { $0 % classes }
            stepSeconds = timed(runs) { loss = trainer.step(labels: labels).loss }
            if profiles {
                let profile = PassProfile()
                pass.profile = profile
                for _ in 0..<runs { _ = trainer.step(labels: labels) }
                parts = Self.parts(profile, network, N: N, runs: runs)
            }
        }
        let stepPeakMemory = peakMemory()
        let pass = try InferencePass(
            network, N: N, pool: pool, instructionSet: instructionSet, implementation: implementation)
        for index in network.parameters.indices { pass.setParameter(index, start(index)) }
        for (index, layer) in network.statistics.enumerated() {
            pass.setStatistics(
                index, mean: [Float](repeating: 0, count: layer.C), variance: [Float](repeating: 1, count: layer.C))
        }
        fill(pass.input)
        let forwardSeconds = timed(runs) { pass.run() }
        return StepBenchmark(
            forwardSeconds: forwardSeconds, stepSeconds: stepSeconds,
            clipsPerSecond: Double(N) / median(stepSeconds), stepPeakMemory: stepPeakMemory,
            peakMemory: peakMemory(), parameters: network.parameterCount, macs: network.macs, profile: parts, loss: loss
        )
    }

    private static func parts(
        _ profile: PassProfile, _ network: NetworkDescription, N: Int, runs: Int
    ) -> [Part] {
        network.layers.indices.flatMap { layer in
            PassProfile.Phase.allCases.compactMap { phase in
                guard let sum = profile.seconds[.init(layer: layer, phase: phase)], sum > 0 else { return nil }
                let seconds = sum / Double(runs)
                let multiplies = [.forward, .recomputation, .backwardWeights, .backwardData].contains(phase)
                let operations = multiplies ? 2e-9 * Double(N * network.macs(layer: layer)) : 0
                return Part(
                    layer: network.layers[layer].name, phase: phase, milliseconds: seconds * 1e3,
                    gigaflops: operations / seconds)
            }
        }
    }

    private static func timed(_ runs: Int, _ body: () -> Void) -> [Double] {
        body()
        let clock = ContinuousClock()
        return (0..<runs).map { _ in
            let time = clock.measure(body)
            return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
        }.sorted()
    }

    private static func peakMemory() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Int(usage.ru_maxrss) / 1024
    }
}

import Faults
import Kernels
import Models
import Randomness
import Testing

struct PassTests {
    static let N = 3
    static let labels = [4, 0, 2]

    /// Values around `centre`.
    static func values(_ count: Int, place: Int, deviation: Double, centre: Double = 0) -> [Float] {
        let draws = Draws(seed: 1, place: UInt64(place), purpose: .simulation)
        return (0..<count).map { Float(centre + deviation * draws.normal($0)) }
    }

    /// Parameters away from their starts, so that every term of batch norm matters.
    static func parameters(_ network: NetworkDescription) -> [[Float]] {
        network.parameters.enumerated().map { index, parameter in
            switch parameter.role {
            case .scale: values(parameter.count, place: index, deviation: 0.2, centre: 1)
            case .shift, .bias: values(parameter.count, place: index, deviation: 0.3)
            case .weight: network.initialValue(parameter: index, seed: 9)
            }
        }
    }

    static func clips(_ network: NetworkDescription, place: Int = 1000) -> [Float] {
        values(N * network.input.count, place: place, deviation: 1)
    }

    static func running(_ network: NetworkDescription) -> [(mean: [Float], variance: [Float])] {
        network.statistics.enumerated().map { index, layer in
            (
                values(layer.C, place: 2000 + index, deviation: 0.3),
                values(layer.C, place: 3000 + index, deviation: 0.2, centre: 1.5)
            )
        }
    }

    static func pass(
        _ network: NetworkDescription, threads: Int = 2, normalisation: TrainingPass.Normalisation = .batch,
        frozen: [Bool] = [], keepsPacked: Bool = false, recomputation: Recomputation = .none, defers: Bool = true,
        set: InstructionSet = .best
    ) throws -> TrainingPass {
        let pass = try TrainingPass(
            network, N: N, pool: ThreadPool(threads: threads), instructionSet: set, normalisation: normalisation,
            frozen: frozen, policy: MemoryPolicy(keepsPacked: keepsPacked, recomputation: recomputation), defers: defers
        )
        for (index, values) in parameters(network).enumerated() { pass.setParameter(index, values) }
        let fixed = frozen.isEmpty ? [] : network.frozenStatistics(parameters: frozen)
        for (index, pair) in running(network).enumerated()
        where normalisation == .running || fixed.indices.contains(index) && fixed[index] {
            pass.setStatistics(index, mean: pair.mean, variance: pair.variance)
        }
        _ = pass.input.update(fromContentsOf: clips(network))
        return pass
    }

    /// Runs a unit and keeps its gradients.
    static func gradients(
        _ pass: TrainingPass, draws: ClipDraws? = nil
    ) -> (gradients: [[Float]], order: [Int], result: TrainingPass.Result) {
        var gradients = [[Float]](repeating: [], count: pass.network.parameters.count)
        var order: [Int] = []
        let result = pass.run(labels: labels, draws: draws) { parameter, gradient in
            gradients[parameter] = Array(gradient)
            order.append(parameter)
        }
        return (gradients, order, result)
    }

    @Test(arguments: SmallNetwork.allCases, [TrainingPass.Normalisation.batch, .running])
    func gradientsAreTheSlopesOfTheLoss(_ small: SmallNetwork, _ normalisation: TrainingPass.Normalisation) throws {
        try Self.expectSlopes(small.network, normalisation)
    }

    @Test(arguments: [SmallNetwork.pathways, .squeezed])
    func gradientsKnowWhatWasDropped(_ small: SmallNetwork) throws {
        try Self.expectSlopes(small.network, .batch, draws: ClipDraws(seed: 5, positions: 1_000_007..<1_000_010))
    }

    /// - Parameter frozen: By parameter; these get no gradient, and the slopes are those of the others.
    static func expectSlopes(
        _ network: NetworkDescription, _ normalisation: TrainingPass.Normalisation, frozen: [Bool] = [],
        draws: ClipDraws? = nil
    ) throws {
        let pass = try Self.pass(network, normalisation: normalisation, frozen: frozen)
        let (gradients, order, result) = Self.gradients(pass, draws: draws)
        let trained = network.parameters.indices.filter { frozen.isEmpty || !frozen[$0] }
        #expect(order == network.gradientOrder.filter(trained.contains))
        #expect(order.sorted() == trained)

        var reference = ForwardInDouble(
            network: network, N: Self.N, parameters: Self.parameters(network).map { $0.map(Double.init) })
        if normalisation == .running || !frozen.isEmpty {
            reference.normalisesWithRunning =
                normalisation == .running ? nil : network.frozenStatistics(parameters: frozen)
            reference.running = Self.running(network).map { ($0.mean.map(Double.init), $0.variance.map(Double.init)) }
        }
        reference.draws = draws
        let clips = Self.clips(network).map(Double.init)
        #expect(abs(result.loss - reference.loss(clips, labels: Self.labels)) < 2e-6)
        let logits = reference.tensors(clips)[network.layers.count - 1]
        #expect(zip(pass.logits, logits).allSatisfy { abs(Double($0) - $1) < 1e-5 })

        // Along a random direction the loss must rise as the gradient says.
        let whole = gradients.joined().reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
        for index in trained {
            let parameter = network.parameters[index]
            let start = reference.parameters[index]
            let gradient = gradients[index].map(Double.init)
            for direction in 0..<2 {
                let draws = Draws(seed: 3, place: UInt64(2 * index + direction), purpose: .simulation)
                let way = start.indices.map { draws.normal($0) }
                let step = 1e-6
                reference.parameters[index] = zip(start, way).map { $0 + step * $1 }
                let up = reference.loss(clips, labels: Self.labels)
                reference.parameters[index] = zip(start, way).map { $0 - step * $1 }
                let down = reference.loss(clips, labels: Self.labels)
                let slope = (up - down) / (2 * step)
                let told = zip(gradient, way).reduce(0) { $0 + $1.0 * $1.1 }
                let size = way.reduce(0) { $0 + $1 * $1 }.squareRoot()
                #expect(
                    abs(slope - told) < 1e-5 * whole * size,
                    "\(parameter.name), direction \(direction): \(slope), not \(told)")
            }
            reference.parameters[index] = start
        }
    }

    @Test(arguments: SmallNetwork.allCases)
    func bitsDoNotDependOnThreadsNorOnEarlierRuns(_ small: SmallNetwork) throws {
        let network = small.network
        let alone = Self.gradients(try Self.pass(network, threads: 1))
        let pass = try Self.pass(network, threads: 3)
        // Another unit first: whatever it leaves in memory must not matter.
        _ = pass.input.update(fromContentsOf: Self.clips(network, place: 5000))
        _ = Self.gradients(pass)
        _ = pass.input.update(fromContentsOf: Self.clips(network))
        let again = Self.gradients(pass)
        #expect(alone.gradients == again.gradients)
        #expect(alone.result == again.result)
    }

    @Test(arguments: SmallNetwork.allCases)
    func unitStatisticsAreTheFamilys(_ small: SmallNetwork) throws {
        let network = small.network
        let pass = try Self.pass(network)
        _ = Self.gradients(pass)
        let reference = ForwardInDouble(
            network: network, N: Self.N, parameters: Self.parameters(network).map { $0.map(Double.init) })
        let tensors = reference.tensors(Self.clips(network).map(Double.init))
        for layer in network.layers {
            guard case .batchNorm(let index, _, _) = layer.operation else { continue }
            let (mean, variance) = reference.moments(tensors[layer.inputs[0]], C: layer.map.C)
            let P = Double(Self.N * layer.map.positions)
            for (c, (ours, truth)) in zip(pass.mean(index), mean).enumerated() {
                #expect(abs(ours - truth) < 1e-5 * max(1, variance[c].squareRoot()), "\(layer.name)")
            }
            for (ours, truth) in zip(pass.variance(index), variance) {
                #expect(abs(ours - truth * P / (P - 1)) < 1e-5 * max(1, truth), "\(layer.name)")
            }
        }
    }

    @Test func memoryIsSharedOverTime() throws {
        let network = try NetworkDescription(named: "r2plus1d-18", classes: 400, frames: 8, size: 56)
        let pool = ThreadPool(threads: 1)
        let training = try TrainingPass(network, N: 2, pool: pool, instructionSet: .best)
        let inference = try InferencePass(network, N: 2, pool: pool, instructionSet: .best)
        let activations = network.layers.reduce(0) { $0 + 2 * 4 * $1.map.count }
        let parameters = 4 * network.parameterCount
        // Training: canonical weights, of the others the largest layer's; of each convolution, batch norm and ReLU one
        // tensor, of a residual join one more. Inference: canonical and packed weights, two or three tensors.
        #expect(training.memoryBytes < 3 * parameters / 2 + activations / 2)
        #expect(inference.memoryBytes < 5 * parameters / 2 + activations / 2)
    }

    @Test func moreMemoryThanThereIsIsAFault() throws {
        let network = try NetworkDescription(named: "r3d-18", classes: 400, frames: 8, size: 112)
        let fault = #expect(throws: Fault.self) {
            try InferencePass(network, N: 10_000_000, pool: ThreadPool(threads: 1), instructionSet: .best)
        }
        #expect(fault?.thing == "r3d-18, 10000000 clips of 3x8x112x112")
    }
}

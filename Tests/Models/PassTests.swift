import Faults
import Kernels
import Models
import Randomness
import Testing

/// Small networks that hold every operation, every way of joining and every way gradients meet.
enum SmallNetwork: String, CaseIterable, Sendable {
    /// Stem, max pool, blocks with and without projection, head: a residual network.
    case residual
    /// (2+1)D convolutions, strides in time.
    case spaceThenTime
    /// A tensor that four layers read, two norms without ReLU, a sum of a tensor with itself, a norm on the clip.
    case tangled

    var network: NetworkDescription {
        var net = NetworkBuilder(self == .residual ? .torchvision : .vmz)
        let three = Extent3(3, 3, 3)
        let two = Extent3(2, 2, 2)
        var x = net.input(frames: 4, size: 9)
        func names(_ name: String) -> NetworkBuilder.Names { .init(convolution: name, norm: "\(name).norm") }
        switch self {
        case .residual:
            x = net.convolutionNorm(x, names("stem"), K: 5, kernel: Extent3(3, 5, 5), stride: Extent3(1, 2, 2))
            x = net.maxPool(x, "pool", kernel: Extent3(1, 3, 3), stride: .one, padding: Extent3(0, 1, 1))
            for (index, K) in [5, 7].enumerated() {
                let stride = index == 0 ? Extent3.one : two
                var branch = net.convolutionNorm(x, names("b\(index).1"), K: K, kernel: three, stride: stride)
                branch = net.convolutionNorm(branch, names("b\(index).2"), K: K, kernel: three, relu: false)
                let shortcut =
                    index == 0
                    ? x : net.convolutionNorm(x, names("p\(index)"), K: K, kernel: .one, stride: stride, relu: false)
                x = net.join(branch, shortcut, "join\(index)")
            }
        case .spaceThenTime:
            for (index, stride) in [Extent3.one, two].enumerated() {
                x = net.spaceThenTime(
                    x, space: names("space\(index)"), time: names("time\(index)"), middle: 4 + index, K: 6,
                    kernel: three, stride: stride)
            }
        case .tangled:
            x = net.batchNorm(x, "clip.norm")
            let a = net.convolution(x, "a", K: 4, kernel: Extent3(1, 3, 3))
            let norm = net.batchNorm(a, "a.norm")
            let relu = net.relu(norm)
            let b = net.batchNorm(net.convolution(relu, "b", K: 4, kernel: Extent3(3, 1, 1)), "b.norm")
            let sum = net.add(norm, b, "sum")
            let twice = net.add(sum, sum, "twice")
            let c = net.relu(net.add(net.convolution(norm, "c", K: 4, kernel: .one), twice, "third"))
            x = net.join(net.batchNorm(c, "c.norm"), norm, "last")
        }
        _ = net.linear(net.globalAveragePool(x, "average"), "head", out: 5)
        return net.network(named: rawValue)
    }
}

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
        keepsPacked: Bool = false, defers: Bool = true, set: InstructionSet = .best
    ) throws -> TrainingPass {
        let pass = try TrainingPass(
            network, N: N, pool: ThreadPool(threads: threads), instructionSet: set, normalisation: normalisation,
            keepsPacked: keepsPacked, defers: defers)
        for (index, values) in parameters(network).enumerated() { pass.setParameter(index, values) }
        if normalisation == .running {
            for (index, pair) in running(network).enumerated() {
                pass.setStatistics(index, mean: pair.mean, variance: pair.variance)
            }
        }
        _ = pass.input.update(fromContentsOf: clips(network))
        return pass
    }

    /// Runs a unit and keeps its gradients.
    static func gradients(_ pass: TrainingPass) -> (gradients: [[Float]], order: [Int], result: TrainingPass.Result) {
        var gradients = [[Float]](repeating: [], count: pass.network.parameters.count)
        var order: [Int] = []
        let result = pass.run(labels: labels) { parameter, gradient in
            gradients[parameter] = Array(gradient)
            order.append(parameter)
        }
        return (gradients, order, result)
    }

    @Test(arguments: SmallNetwork.allCases, [TrainingPass.Normalisation.batch, .running])
    func gradientsAreTheSlopesOfTheLoss(_ small: SmallNetwork, _ normalisation: TrainingPass.Normalisation) throws {
        let network = small.network
        let pass = try Self.pass(network, normalisation: normalisation)
        let (gradients, order, result) = Self.gradients(pass)
        #expect(order == network.gradientOrder)
        #expect(order.sorted() == Array(network.parameters.indices))

        var reference = ForwardInDouble(
            network: network, N: Self.N, parameters: Self.parameters(network).map { $0.map(Double.init) })
        if normalisation == .running {
            reference.running = Self.running(network).map { ($0.mean.map(Double.init), $0.variance.map(Double.init)) }
        }
        let clips = Self.clips(network).map(Double.init)
        #expect(abs(result.loss - reference.loss(clips, labels: Self.labels)) < 2e-6)
        let logits = reference.tensors(clips)[network.layers.count - 1]
        #expect(zip(pass.logits, logits).allSatisfy { abs(Double($0) - $1) < 1e-5 })

        // Along a random direction the loss must rise as the gradient says.
        let whole = gradients.joined().reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
        for (index, parameter) in network.parameters.enumerated() {
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
            for (ours, truth) in zip(pass.mean(index), mean) { #expect(abs(ours - truth) < 1e-5, "\(layer.name)") }
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

import Faults
import Kernels
import Models
import Testing

/// What stands at the end of networks: dropout, and heads over several positions.
struct HeadTests {
    /// Features of 64 channels behind dropout, which the logits show as they are.
    private static func features(probability: Double) throws -> (TrainingPass, NetworkDescription) {
        var net = NetworkBuilder(.torchvision)
        let clip = net.input(frames: 2, size: 4)
        let features = net.convolution(clip, "features", K: 64, kernel: .one, bias: true)
        let pooled = net.globalAveragePool(features, "pool")
        _ = net.linear(net.dropout(pooled, "dropout", probability: probability), "head", out: 64)
        let network = net.network(named: "features")
        let pass = try PassTests.pass(network)
        pass.setParameter(2, (0..<64 * 64).map { $0 % 65 == 0 ? 1 : 0 })
        pass.setParameter(3, [Float](repeating: 0, count: 64))
        // The same clip everywhere: what differs was dropped.
        for n in 0..<PassTests.N {
            for i in 0..<network.input.count { pass.input[n * network.input.count + i] = pass.input[i] }
        }
        return (pass, network)
    }

    private func logits(_ pass: TrainingPass, _ draws: ClipDraws?) -> [[Float]] {
        _ = pass.run(labels: PassTests.labels, draws: draws) { _, _ in }
        return (0..<PassTests.N).map { Array(pass.logits[$0 * 64..<($0 + 1) * 64]) }
    }

    @Test func dropoutScalesWhatItKeeps() throws {
        let (pass, _) = try Self.features(probability: 0.25)
        let whole = logits(pass, nil)
        #expect(whole[0] == whole[1] && whole[1] == whole[2])
        var dropped = 0
        for seed in 0..<50 {
            let some = logits(pass, ClipDraws(seed: UInt64(seed), positions: 40..<43))
            for (some, whole) in zip(some.joined(), whole.joined()) {
                if some == 0 { dropped += 1 } else { #expect(abs(some - whole / 0.75) <= 2e-7 * abs(whole)) }
            }
        }
        // 9600 draws: the share's deviation is 0.0044.
        #expect(abs(Double(dropped) / 9600 - 0.25) < 0.02)
    }

    @Test func whatFallsIsDecidedByThePositionInTheStream() throws {
        let (pass, _) = try Self.features(probability: 0.5)
        let first = logits(pass, ClipDraws(seed: 1, positions: 10..<13))
        let later = logits(pass, ClipDraws(seed: 1, positions: 11..<14))
        #expect(first[1] == later[0] && first[2] == later[1])
        #expect(first[0] != first[1] && first[2] != later[2])
        #expect(logits(pass, ClipDraws(seed: 2, positions: 10..<13)) != first)
        #expect(logits(pass, ClipDraws(seed: 1, positions: 10..<13)) == first)
    }

    /// A head that looks at every position of the map.
    private static func convolutional(joint: Bool?) -> NetworkDescription {
        var net = NetworkBuilder(.torchvision)
        let clip = net.input(frames: 2, size: 5)
        let features = net.convolution(clip, "features", K: 6, kernel: Extent3(1, 3, 3), stride: Extent3(1, 2, 2))
        let pooled = net.averagePool(features, "pool", kernel: Extent3(2, 2, 2))
        let logits = net.linear(pooled, "head", out: 5)
        if let joint {
            _ = net.softmaxMean(logits, "scores", joint: joint)
        } else {
            _ = net.globalAveragePool(logits, "mean")
        }
        return net.network(named: "convolutional")
    }

    @Test(arguments: [true, false]) func scoresOfAFullyConvolutionalHead(_ joint: Bool) throws {
        let network = Self.convolutional(joint: joint)
        let pass = try FusedPassTests.inference(network, folds: true)
        let clips = PassTests.clips(network)
        _ = pass.input.update(fromContentsOf: clips)
        let scores = Array(pass.run())
        let reference = ForwardInDouble(
            network: Self.convolutional(joint: nil), N: PassTests.N,
            parameters: PassTests.parameters(network).map { $0.map(Double.init) })
        let logits = reference.tensors(clips.map(Double.init))[3]
        let P = logits.count / PassTests.N / 5
        #expect(P == 4)
        for n in 0..<PassTests.N {
            let rows = (0..<P).map { p in (0..<5).map { exponential(logits[(n * P + p) * 5 + $0] - 20) } }
            let all = rows.joined().reduce(0, +)
            for k in 0..<5 {
                let truth = rows.reduce(0) { $0 + $1[k] / (joint ? all : $1.reduce(0, +)) } / Double(P)
                #expect(abs(Double(scores[n * 5 + k]) - truth) < 1e-6)
            }
        }
    }

    @Test func headsForTestsAreNotTrained() {
        let fault = #expect(throws: Fault.self) { try PassTests.pass(Self.convolutional(joint: true)) }
        #expect(fault?.thing == "layer 'scores' of convolutional")
    }

    @Test func gradientsOfALinearLayerAtEveryPosition() throws {
        let network = Self.convolutional(joint: nil)
        let pass = try PassTests.pass(network)
        let (gradients, _, _) = PassTests.gradients(pass)
        var reference = ForwardInDouble(
            network: network, N: PassTests.N, parameters: PassTests.parameters(network).map { $0.map(Double.init) })
        let clips = PassTests.clips(network).map(Double.init)
        for index in network.parameters.indices {
            for i in stride(from: 0, to: network.parameters[index].count, by: 7) {
                let value = reference.parameters[index][i]
                reference.parameters[index][i] = value + 1e-6
                let up = reference.loss(clips, labels: PassTests.labels)
                reference.parameters[index][i] = value - 1e-6
                let slope = (up - reference.loss(clips, labels: PassTests.labels)) / 2e-6
                reference.parameters[index][i] = value
                #expect(abs(slope - Double(gradients[index][i])) < 1e-6, "\(network.parameters[index].name) \(i)")
            }
        }
    }
}

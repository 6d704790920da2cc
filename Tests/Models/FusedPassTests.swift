import Kernels
import Models
import Testing

/// What passes leave out, join or keep must not be seen in what they compute.
struct FusedPassTests {
    /// An inference pass with everything set, in pieces, as chunks arrive.
    static func inference(_ network: NetworkDescription, folds: Bool) throws -> InferencePass {
        let pass = try InferencePass(
            network, N: PassTests.N, pool: ThreadPool(threads: 2), instructionSet: .best, folds: folds)
        for (index, values) in PassTests.parameters(network).enumerated() {
            let cut = values.count / 3
            values.withUnsafeBytes {
                pass.setParameter(
                    index, range: cut..<values.count, bytes: UnsafeRawBufferPointer(rebasing: $0[(4 * cut)...]))
                pass.setParameter(index, range: 0..<cut, bytes: UnsafeRawBufferPointer(rebasing: $0[..<(4 * cut)]))
            }
        }
        for (index, pair) in PassTests.running(network).enumerated() {
            pass.setStatistics(index, mean: pair.mean, variance: pair.variance)
        }
        return pass
    }

    @Test(arguments: SmallNetwork.allCases, [true, false])
    func inferenceUsesRunningStatistics(_ small: SmallNetwork, _ folds: Bool) throws {
        let network = small.network
        let pass = try Self.inference(network, folds: folds)
        let clips = PassTests.clips(network)
        _ = pass.input.update(fromContentsOf: clips)
        let logits = Array(pass.run())
        let frozen = try PassTests.pass(network, normalisation: .running)
        _ = PassTests.gradients(frozen)
        if folds {
            // Weights times factor are rounded before the sum, not behind it: one more rounding in each product.
            let largest = frozen.logits.map(abs).max() ?? 0
            #expect(zip(logits, frozen.logits).allSatisfy { abs($0 - $1) < 2e-6 * max(largest, 1) })
        } else {
            #expect(logits == Array(frozen.logits))
        }
        // A clip's logits do not depend on the clips beside it.
        let second = network.input.count
        _ = pass.input.update(fromContentsOf: clips[second..<2 * second])
        #expect(Array(pass.run(clips: 1)) == Array(logits[5..<10]))
    }

    @Test(arguments: SmallNetwork.allCases)
    func foldedWeightsFollowWhatIsSet(_ small: SmallNetwork) throws {
        let network = small.network
        let clips = PassTests.clips(network)
        let fresh = try Self.inference(network, folds: true)
        _ = fresh.input.update(fromContentsOf: clips)
        let logits = Array(fresh.run())
        // Each kind of value that a folded weight holds, changed and changed back between runs.
        let pass = try Self.inference(network, folds: true)
        _ = pass.input.update(fromContentsOf: clips)
        #expect(Array(pass.run()) == logits)
        for (index, values) in PassTests.parameters(network).enumerated() {
            pass.setParameter(index, values.map { $0 + 0.5 })
            #expect(Array(pass.run()) != logits, "\(network.parameters[index].name)")
            pass.setParameter(index, values)
            #expect(Array(pass.run()) == logits, "\(network.parameters[index].name)")
        }
        for (index, pair) in PassTests.running(network).enumerated() {
            pass.setStatistics(index, mean: pair.mean, variance: pair.variance.map { $0 + 1 })
            #expect(Array(pass.run()) != logits, "\(network.statistics[index].layer)")
            pass.setStatistics(index, mean: pair.mean, variance: pair.variance)
            #expect(Array(pass.run()) == logits, "\(network.statistics[index].layer)")
        }
    }

    @Test(arguments: SmallNetwork.allCases, [TrainingPass.Normalisation.batch, .running])
    func whatIsNotStoredHasTheSameBits(_ small: SmallNetwork, _ normalisation: TrainingPass.Normalisation) throws {
        for set in InstructionSet.ofF32 where set.isSupported {
            let (deferred, stored) = (
                try PassTests.pass(small.network, normalisation: normalisation, set: set),
                try PassTests.pass(small.network, normalisation: normalisation, defers: false, set: set)
            )
            let (ours, theirs) = (PassTests.gradients(deferred), PassTests.gradients(stored))
            #expect(ours.gradients == theirs.gradients)
            #expect(ours.result == theirs.result)
            #expect(Array(deferred.logits) == Array(stored.logits))
        }
    }

    @Test(arguments: SmallNetwork.allCases)
    func packedWeightsThatAreKeptFollowWhatIsSet(_ small: SmallNetwork) throws {
        let kept = try PassTests.pass(small.network, keepsPacked: true)
        let packed = try PassTests.pass(small.network)
        #expect(kept.memoryBytes >= packed.memoryBytes)
        let first = PassTests.gradients(kept).gradients
        #expect(PassTests.gradients(kept).gradients == first)
        #expect(PassTests.gradients(packed).gradients == first)
        for index in small.network.parameters.indices {
            // Half of them set, half written where they are.
            for pass in [kept, packed] {
                if index % 2 == 0 {
                    pass.setParameter(index, pass.parameter(index).map { $0 * 1.5 + 0.1 })
                } else {
                    let parameter = pass.parameter(index)
                    for i in parameter.indices { parameter[i] = parameter[i] * 1.5 + 0.1 }
                }
            }
        }
        let second = PassTests.gradients(kept).gradients
        #expect(second != first)
        #expect(PassTests.gradients(packed).gradients == second)
    }

    @Test(arguments: SmallNetwork.allCases)
    func aParameterMayChangeOnceItsGradientIsOut(_ small: SmallNetwork) throws {
        let pass = try PassTests.pass(small.network)
        let untouched = PassTests.gradients(pass).gradients
        var gradients = untouched
        _ = pass.run(labels: PassTests.labels) { parameter, gradient in
            gradients[parameter] = Array(gradient)
            pass.setParameter(parameter, [Float](repeating: 7, count: gradient.count))
        }
        #expect(gradients == untouched)
    }
}

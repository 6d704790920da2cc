import Kernels
import Models
import Testing

/// Convolutions that read their weights as they are, where others read packed ones.
struct LateLayerTests {
    /// Three convolutions of 64 channels on maps of 4x4, one after another.
    private static var network: NetworkDescription {
        var net = NetworkBuilder(.torchvision)
        var x = net.input(frames: 4, size: 4)
        for (index, t) in [1, 3, 1, 3].enumerated() {
            x = net.convolutionNorm(
                x, .init(convolution: "c\(index)", norm: "n\(index)"), K: 64, kernel: Extent3(t, 3, 3))
        }
        _ = net.linear(net.globalAveragePool(x, "average"), "head", out: 5)
        return net.network(named: "late")
    }

    private static let policies = [
        (keepsPacked: false, recomputation: Recomputation.none), (true, .none), (false, .everywhere),
    ]

    @Test(arguments: [1, 3]) func theyDo(t: Int) throws {
        let shape = ConvolutionShape(
            C: 64, K: 64, kernel: Extent3(t, 3, 3), padding: Extent3(t / 2, 1, 1), input: Extent3(4, 4, 4))
        let convolution = try Convolution(shape, instructionSet: .best)
        #expect(convolution.readsCanonical(.forward) && convolution.readsCanonical(.backwardData))
    }

    /// Whoever gets a gradient may change the weight at once, as a shard in the same process does.
    @Test func aWeightMayChangeOnceItsGradientIsOut() throws {
        for policy in Self.policies {
            let pass = try PassTests.pass(
                Self.network, keepsPacked: policy.keepsPacked, recomputation: policy.recomputation)
            let untouched = PassTests.gradients(pass).gradients
            var gradients = untouched
            _ = pass.run(labels: PassTests.labels) { parameter, gradient in
                gradients[parameter] = Array(gradient)
                pass.setParameter(parameter, [Float](repeating: 7, count: gradient.count))
            }
            #expect(gradients == untouched, "\(policy)")
        }
    }

    /// What is kept from one unit to the next is no older weight.
    @Test func aWeightThatIsSetIsUsed() throws {
        for policy in Self.policies {
            let pass = try PassTests.pass(
                Self.network, keepsPacked: policy.keepsPacked, recomputation: policy.recomputation)
            let right = PassTests.gradients(pass).gradients
            let values = PassTests.parameters(Self.network)
            for (index, values) in values.enumerated() { pass.setParameter(index, values.map { 0.5 * $0 }) }
            #expect(PassTests.gradients(pass).gradients != right, "\(policy)")
            for (index, values) in values.enumerated() { pass.setParameter(index, values) }
            #expect(PassTests.gradients(pass).gradients == right, "\(policy)")
        }
    }
}

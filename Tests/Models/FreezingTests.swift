import Models
import Testing

struct FreezingTests {
    /// Parameters whose layers' names begin with one of `prefixes`.
    private func frozen(_ network: NetworkDescription, _ prefixes: [String]) -> [Bool] {
        network.parameters.map { parameter in prefixes.contains { parameter.name.hasPrefix($0) } }
    }

    /// The lower layers, those in the middle of something trained, one branch of two, all but the head; a batch norm
    /// joined to a Swish and one to a gate, with something trained below, and with nothing but the gate's numbers.
    @Test(arguments: [
        (SmallNetwork.residual, ["stem"]), (.residual, ["b0", "b1.1"]), (.residual, ["stem", "b0"]),
        (.residual, ["stem", "b", "p"]), (.spaceThenTime, ["space0", "time1"]), (.tangled, ["a", "b"]),
        (.tangled, ["clip", "c"]), (.pathways, ["fast", "lateral"]), (.pathways, ["slow"]),
        (.squeezed, ["stem", "block0"]),
        (.squeezed, ["stem", "block0.a", "block0.b"]),
        (.squeezed, ["block0.b.norm", "last.norm"]),
        (.squeezed, ["block1", "fc7", "last.weight"]),
        (.squeezed, ["block0.fc", "shortcut.bias", "last.bias", "head.w"]),
        (.nonLocal, ["stem", "nonlocal0"]), (.nonLocal, ["nonlocal1.phi", "nonlocal0.g"]),
    ])
    func theOthersGetTheSlopesOfTheLoss(_ small: SmallNetwork, _ prefixes: [String]) throws {
        let network = small.network
        let frozen = frozen(network, prefixes)
        #expect(frozen.contains(true) && frozen.contains(false), "\(network.parameters.map(\.name))")
        try PassTests.expectSlopes(network, .batch, frozen: frozen)
    }

    /// With all batch norms frozen it is the arithmetic of a pass on running statistics, bit for bit, without the gradients
    /// that nobody wants.
    @Test(arguments: SmallNetwork.allCases) func bitsAreThoseOfRunningStatistics(_ small: SmallNetwork) throws {
        let network = small.network
        let norms = network.parameters.map { $0.role == .scale || $0.role == .shift }
        let frozen = zip(norms, network.parameters).map { $0 || $1.name.hasPrefix("stem") || $1.name.hasPrefix("a.") }
        let all = PassTests.gradients(try PassTests.pass(network, normalisation: .running))
        let some = PassTests.gradients(try PassTests.pass(network, frozen: frozen))
        #expect(some.result == all.result)
        for index in network.parameters.indices {
            #expect(some.gradients[index] == (frozen[index] ? [] : all.gradients[index]))
        }
    }

    @Test func backwardStopsWhereNothingTrainedLiesBelow() throws {
        let network = SmallNetwork.residual.network
        let head = network.parameters.map { !$0.name.hasPrefix("head") }
        let pass = try PassTests.pass(network, frozen: head)
        #expect(
            PassTests.gradients(pass).order.map { network.parameters[$0].name }.sorted() == [
                "head.bias", "head.weight",
            ])
        // Neither activations nor gradients of the frozen layers are kept.
        let size = try NetworkDescription(named: "r2plus1d-10", classes: 5, frames: 8, size: 56)
        let linear = size.parameters.map { !$0.name.hasPrefix("last_out") }
        let probe = try PassTests.pass(size, frozen: linear)
        #expect(probe.memoryBytes + (20 << 20) < (try PassTests.pass(size)).memoryBytes)
    }

    @Test func aNormIsFrozenWhenBothItsParametersAre() throws {
        let network = SmallNetwork.residual.network
        let scales = network.parameters.map { $0.role == .scale }
        #expect(!network.frozenStatistics(parameters: scales).contains(true))
        let both = network.parameters.map { $0.role == .scale || $0.role == .shift }
        #expect(!network.frozenStatistics(parameters: both).contains(false))
        let stem = frozen(network, ["stem"])
        #expect(network.frozenStatistics(parameters: stem).filter { $0 }.count == 1)
    }
}

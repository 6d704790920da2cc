import Faults
import Kernels
import Models
import Testing

/// What is computed a second time rather than kept must not be seen in what comes out.
struct RecomputationTests {
    /// Whatever a run of a pass says.
    private struct Outcome: Equatable {
        var gradients: [[Float]]
        /// Parameters, as their gradients came: each once.
        var order: [Int]
        var result: TrainingPass.Result
        var logits: [Float]
        var statistics: [[Double]]

        init(_ pass: TrainingPass, labels: [Int], changesParameters: Bool = false) {
            var gradients = [[Float]](repeating: [], count: pass.network.parameters.count)
            var order: [Int] = []
            // With draws, dropout drops.
            let draws = ClipDraws(seed: 5, positions: 1_000_007..<1_000_007 + UInt64(labels.count))
            result = pass.run(labels: labels, draws: draws) { parameter, gradient in
                gradients[parameter] = Array(gradient)
                order.append(parameter)
                if changesParameters {
                    pass.setParameter(parameter, [Float](repeating: 7, count: gradient.count))
                }
            }
            self.gradients = gradients
            self.order = order
            logits = Array(pass.logits)
            statistics = pass.network.statistics.indices.flatMap { [Array(pass.mean($0)), Array(pass.variance($0))] }
        }
    }

    /// Multiply-accumulates of a clip that run twice where everything is recomputed.
    private static func recomputedMacs(_ network: NetworkDescription) throws -> Int {
        try TrainingMemory(
            network, N: 1, threads: 1, instructionSet: .best, policy: MemoryPolicy(recomputation: .everywhere)
        ).recomputedMacs
    }

    @Test(arguments: SmallNetwork.allCases, [TrainingPass.Normalisation.batch, .running])
    func bitsAreThoseOfAPassThatKeepsAll(_ small: SmallNetwork, _ normalisation: TrainingPass.Normalisation) throws {
        #expect(try Self.recomputedMacs(small.network) > 0)
        for set in InstructionSet.ofF32 where set.isSupported {
            let keeping = Outcome(
                try PassTests.pass(small.network, normalisation: normalisation, set: set), labels: PassTests.labels)
            for (threads, keepsPacked) in [(1, false), (2, true)] {
                let pass = try PassTests.pass(
                    small.network, threads: threads, normalisation: normalisation, keepsPacked: keepsPacked,
                    recomputation: .everywhere, set: set)
                // A second run finds what the first one left.
                for _ in 0..<2 { #expect(Outcome(pass, labels: PassTests.labels) == keeping) }
            }
        }
    }

    @Test(arguments: [
        (SmallNetwork.residual, ["stem"]), (.residual, ["stem", "b0"]), (.residual, ["b0.1.norm", "b1.2"]),
        (.pathways, ["fast"]), (.squeezed, ["block0.b.norm", "last.norm"]), (.squeezed, ["stem", "block0.a"]),
        (.nonLocal, ["stem", "nonlocal0"]), (.tangled, ["a", "b"]),
    ])
    func bitsAreTheSameWithFrozenLayers(_ small: SmallNetwork, _ prefixes: [String]) throws {
        let frozen = small.network.parameters.map { parameter in prefixes.contains { parameter.name.hasPrefix($0) } }
        let (keeping, recomputing) = (
            try PassTests.pass(small.network, frozen: frozen),
            try PassTests.pass(small.network, frozen: frozen, recomputation: .everywhere)
        )
        #expect(
            Outcome(recomputing, labels: PassTests.labels) == Outcome(keeping, labels: PassTests.labels))
    }

    @Test(arguments: SmallNetwork.allCases, [false, true])
    func aParameterMayChangeOnceItsGradientIsOut(_ small: SmallNetwork, _ keepsPacked: Bool) throws {
        let keeping = Outcome(try PassTests.pass(small.network), labels: PassTests.labels)
        let pass = try PassTests.pass(small.network, keepsPacked: keepsPacked, recomputation: .everywhere)
        #expect(Outcome(pass, labels: PassTests.labels, changesParameters: true) == keeping)
    }

    /// A network as it is published, for small clips.
    struct Published: CustomTestStringConvertible, Sendable {
        var name: String
        var frames: Int
        var size: Int
        var convolution = "auto"
        var freezesNorms = false
        var testDescription: String { "\(name) \(frames)x\(size)x\(size)" }
    }

    /// Statistics in Winograd's epilogue and in the direct one's, depthwise convolutions, laterals and dropout,
    /// squeeze-and-excitation and Swish, non-local blocks.
    @Test(arguments: [
        Published(name: "r2plus1d-18", frames: 8, size: 32, convolution: "winograd"),
        Published(name: "torchvision/r2plus1d_18", frames: 4, size: 40, freezesNorms: true),
        Published(name: "ir-csn-50", frames: 8, size: 32),
        Published(name: "ip-csn-26", frames: 4, size: 32, freezesNorms: true),
        Published(name: "slowfast/SLOWFAST_4x16_R50", frames: 32, size: 32),
        Published(name: "pytorchvideo/x3d_s", frames: 4, size: 64),
        Published(name: "slowfast/X3D_XS", frames: 4, size: 64, freezesNorms: true),
        Published(name: "slowfast/I3D_NLN_8x8_R50", frames: 8, size: 32),
    ])
    func familiesHaveTheSameBits(_ published: Published) throws {
        let network = try NetworkDescription(
            named: published.name, classes: 7, frames: published.frames, size: published.size)
        let frozen =
            published.freezesNorms ? network.parameters.map { $0.role == .scale || $0.role == .shift } : []
        // Residual branches that start with scale 0 would say nothing.
        let parameters = network.parameters.enumerated().map { index, parameter in
            parameter.role == .scale
                ? PassTests.values(parameter.count, place: index, deviation: 0.2, centre: 1)
                : network.initialValue(parameter: index, seed: 9)
        }
        func outcome(_ recomputation: Recomputation, threads: Int) throws -> Outcome {
            let pass = try TrainingPass(
                network, N: 2, pool: ThreadPool(threads: threads), instructionSet: .best,
                implementation: published.convolution == "auto" ? .auto : .preferring(published.convolution),
                frozen: frozen, policy: MemoryPolicy(recomputation: recomputation))
            for (index, values) in parameters.enumerated() { pass.setParameter(index, values) }
            if published.freezesNorms {
                for (index, pair) in PassTests.running(network).enumerated() {
                    pass.setStatistics(index, mean: pair.mean, variance: pair.variance)
                }
            }
            _ = pass.input.update(
                fromContentsOf: PassTests.values(2 * network.input.count, place: 1000, deviation: 1))
            return Outcome(pass, labels: [4, 0])
        }
        #expect(2 * (try Self.recomputedMacs(network)) > network.macs)
        let keeping = try outcome(.none, threads: 2)
        #expect(keeping.gradients.joined().allSatisfy { $0.isFinite })
        #expect(try outcome(.everywhere, threads: 1) == keeping)
        #expect(try outcome(.whereItSaves, threads: 2) == keeping)
    }

    @Test func whoLacksMemoryIsToldOfIt() throws {
        let network = SmallNetwork.residual.network
        func mend(_ recomputation: Recomputation) -> String? {
            #expect(throws: Fault.self) {
                try TrainingPass(
                    network, N: 1_000_000_000, pool: ThreadPool(threads: 1), instructionSet: .best,
                    policy: MemoryPolicy(recomputation: recomputation))
            }?.mend
        }
        #expect(mend(.none)?.contains("--recompute") == true)
        #expect(mend(.whereItSaves)?.contains("--recompute") == false)
    }

    @Test(arguments: [(false, 1, false), (false, 2, true), (true, 1, false), (true, 2, false)])
    func whoRecomputesKeepsNoPackedWeights(_ recomputes: Bool, _ units: Int, _ keepsPacked: Bool) {
        let policy = MemoryPolicy.ofWorker(recomputes: recomputes, units: units)
        #expect(policy.keepsPacked == keepsPacked)
        #expect(policy.recomputation == (recomputes ? .whereItSaves : .none))
    }

    /// The peak is as low as if everything were recomputed, for less arithmetic, and far below that of keeping all.
    @Test(arguments: [
        ("r2plus1d-18", 8, 112, 0.75), ("slowfast/SLOWFAST_8x8_R50", 32, 128, 0.6), ("ir-csn-101", 32, 112, 0.45),
        ("slowfast/X3D_M", 16, 112, 0.4), ("c3d", 16, 112, 1),
    ]) func itTakesLessMemory(_ name: String, frames: Int, size: Int, share: Double) throws {
        let network = try NetworkDescription(named: name, classes: 400, frames: frames, size: size)
        func memory(_ recomputation: Recomputation) throws -> TrainingMemory {
            try TrainingMemory(
                network, N: 2, threads: 2, instructionSet: .best, policy: MemoryPolicy(recomputation: recomputation))
        }
        let (none, some, all) = (try memory(.none), try memory(.whereItSaves), try memory(.everywhere))
        let figures = "\(none.bytes >> 20), \(some.bytes >> 20), \(all.bytes >> 20) MiB"
        #expect(none.recomputedMacs == 0)
        #expect(Double(some.bytes) < share * Double(none.bytes), "\(figures)")
        // A twentieth of the saving; and placed one by one, buffers leave gaps.
        #expect(
            Double(some.bytes) < 1.1 * Double(all.bytes) + 0.05 * Double(none.bytes - all.bytes), "\(figures)")
        #expect(some.recomputedMacs < all.recomputedMacs && all.recomputedMacs < network.macs)
    }
}

import Kernels
import Testing

@Suite struct ConvolutionTests {
    private static let passes = ["forward", "backward-data", "backward-data added", "backward-weights"]

    @Test(arguments: LayerShapes.odd) func everyInstructionSetAgreesWithTheReference(_ layer: LayerShapes.Named) throws
    {
        for N in [1, 3] {
            let problem = ConvolutionProblem(layer.shape, N: N, seed: 11)
            let truth = problem.truth()
            for set in supportedSets {
                for (pass, results) in zip(Self.passes, zip(try problem.run(set, threads: 2), truth)) {
                    let error = relativeError(results.0, results.1)
                    #expect(error <= 2e-6, "\(pass) of \(layer), N \(N), \(set)")
                }
            }
        }
    }

    @Test(arguments: LayerShapes.odd) func threadsChangeNoBit(_ layer: LayerShapes.Named) throws {
        let problem = ConvolutionProblem(layer.shape, N: 2, seed: 12)
        let one = try problem.run(.best, threads: 1).map(\.bits)
        for threads in [2, 3, 5] {
            #expect(try problem.run(.best, threads: threads).map(\.bits) == one, "\(layer), \(threads) threads")
        }
    }

    @Test(arguments: LayerShapes.odd) func aClipDoesNotDependOnItsBatch(_ layer: LayerShapes.Named) throws {
        // The sums over taps and channels have one order, whatever tile a pixel falls into.
        let three = ConvolutionProblem(layer.shape, N: 3, seed: 13)
        let one = ConvolutionProblem(layer.shape, N: 1, seed: 13)
        let (all, alone) = (try three.run(.best, threads: 1), try one.run(.best, threads: 1))
        for pass in 0..<3 {
            #expect(Array(all[pass].bits.prefix(alone[pass].count)) == alone[pass].bits, "\(layer)")
        }
    }

    /// Two blocks of channels, of which only the second ends with a vector that begins early. At stride 1 backward-data goes
    /// through the kernel of three taps, at stride 2 through the other one.
    @Test(arguments: [1, 2]) func oddChannelsInSeveralBlocksAreAllAdded(stride: Int) throws {
        let shape = ConvolutionShape(
            C: 1027, K: 1027, kernel: Extent3(1, 3, 3), stride: Extent3(1, stride, stride), padding: Extent3(0, 1, 1),
            input: Extent3(1, 3, 4), groups: 1027)
        let problem = ConvolutionProblem(shape, N: 2, seed: 15)
        let truth = problem.truth()
        for set in supportedSets {
            for (pass, results) in zip(Self.passes, zip(try problem.run(set, threads: 3), truth)) {
                #expect(relativeError(results.0, results.1) <= 2e-6, "\(pass) of \(shape), \(set)")
            }
        }
    }

    @Test func thePlainImplementationAgrees() throws {
        for layer in LayerShapes.odd.prefix(6) {
            let problem = ConvolutionProblem(layer.shape, N: 2, seed: 14)
            let results = try problem.run(.best, threads: 2, implementation: .named("plain"))
            for (ours, truth) in zip(results, problem.truth()) { #expect(relativeError(ours, truth) <= 1e-5) }
        }
    }

    /// Where they are not chosen, too: many output channels, rows of few pixels, four channels of every length.
    @Test func planesAgreeWithTheReferenceWhereverTheyAreTaken() throws {
        var taken = 0
        for layer in LayerShapes.odd where layer.shape.C <= 4 {
            for set in supportedSets {
                let problem = ConvolutionProblem(layer.shape, N: 2, seed: 16)
                guard let results = try? problem.run(set, threads: 2, implementation: .named("planes")) else {
                    continue
                }
                taken += 1
                for (pass, (ours, truth)) in zip(Self.passes, zip(results, problem.truth())) {
                    #expect(relativeError(ours, truth) <= 2e-6, "\(pass) of \(layer), \(set)")
                }
            }
        }
        // So many layers have at least three taps in space, counted with the channels.
        #expect(taken == 12 * supportedSets.count)
    }

    @Test func everyShapeHasAnImplementation() throws {
        let expected = [
            ("depthwise 54", "depthwise"), ("2 groups, prime channels", "grouped"), ("full kernel", "direct"),
            ("narrow, four pixels", "narrow/direct/narrow"),
            ("narrow, two of four pixels", "narrow/direct/narrow"),
            ("planes, full vectors", "planes/direct/planes"),
            ("planes, half a vector beyond the row", "planes/direct/direct"),
        ]
        for (name, implementation) in expected {
            let layer = try #require(LayerShapes.odd.first { $0.name == name })
            #expect(try Convolution(layer.shape, instructionSet: .best).implementation == implementation)
        }
        for layer in LayerShapes.odd + LayerShapes.networks.flatMap(\.layers) {
            let chosen = try Convolution(layer.shape, instructionSet: .best).chosen
            #expect(!chosen.contains("plain"), "\(layer)")
        }
    }

    @Test func namesAreChecked() throws {
        let shape = LayerShapes.odd[0].shape
        #expect(try Convolution(shape, instructionSet: .best).implementation == "direct")
        #expect(
            try Convolution(shape, instructionSet: .best, implementation: .named("plain")).implementation == "plain")
        let fault = #expect(throws: (any Error).self) {
            try Convolution(shape, instructionSet: .best, implementation: .named("dirct"))
        }
        #expect("\(fault!)".contains("direct"))
    }
}

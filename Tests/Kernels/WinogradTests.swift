import Kernels
import Testing

@Suite struct WinogradTests {
    private static let passes = ["forward", "backward-data", "backward-data added", "backward-weights"]

    /// The weight gradients of strided layers go another way.
    private static func choice(_ layer: LayerShapes.Named) -> Convolution.Choice {
        layer.shape.stride == Extent3(1, 1, 1) ? .named("winograd") : .preferring("winograd")
    }

    @Test(arguments: LayerShapes.tiles + LayerShapes.phases) func everyInstructionSetAgreesWithTheReference(
        _ layer: LayerShapes.Named
    )
        throws
    {
        for N in [1, 3] {
            let problem = ConvolutionProblem(layer.shape, N: N, seed: 21)
            let truth = problem.truth()
            for set in supportedSets {
                let results = try problem.run(set, threads: 2, implementation: Self.choice(layer))
                for (pass, (ours, right)) in zip(Self.passes, zip(results, truth)) {
                    // The transforms' rounding, about three times a direct sum's: docs/numerics.md.
                    let error = relativeError(ours, right)
                    #expect(error <= 3e-6, "\(pass) of \(layer), N \(N), \(set)")
                }
            }
        }
    }

    @Test(arguments: LayerShapes.tiles + LayerShapes.phases) func threadsChangeNoBit(_ layer: LayerShapes.Named) throws
    {
        let problem = ConvolutionProblem(layer.shape, N: 2, seed: 22)
        let one = try problem.run(.best, threads: 1, implementation: Self.choice(layer)).map(\.bits)
        for threads in [2, 3, 5] {
            let more = try problem.run(.best, threads: threads, implementation: Self.choice(layer)).map(\.bits)
            #expect(more == one, "\(layer), \(threads) threads")
        }
    }

    @Test(arguments: LayerShapes.tiles + LayerShapes.phases) func aClipDoesNotDependOnItsBatch(
        _ layer: LayerShapes.Named
    ) throws {
        let three = ConvolutionProblem(layer.shape, N: 3, seed: 23)
        let one = ConvolutionProblem(layer.shape, N: 1, seed: 23)
        let (all, alone) = (
            try three.run(.best, threads: 1, implementation: Self.choice(layer)),
            try one.run(.best, threads: 1, implementation: Self.choice(layer))
        )
        for pass in 0..<3 {
            #expect(Array(all[pass].bits.prefix(alone[pass].count)) == alone[pass].bits, "\(layer)")
        }
    }

    @Test func itTakesWhatItCanAndNoMore() throws {
        func chosen(_ shape: ConvolutionShape, _ choice: Convolution.Choice) throws -> [String] {
            try Convolution(shape, instructionSet: .best, implementation: choice).chosen
        }
        let wide = LayerShapes.design.shape
        #expect(try chosen(wide, .auto) == ["winograd", "winograd", "winograd"])
        #expect(try chosen(wide, .preferring("direct")) == ["direct", "direct", "direct"])
        func strided(_ stride: Extent3, C: Int = 64, map: Int = 56) -> ConvolutionShape {
            ConvolutionShape(
                C: C, K: 64, kernel: Extent3(1, 3, 3), stride: stride, padding: Extent3(0, 1, 1),
                input: Extent3(8, map, map))
        }
        #expect(try chosen(strided(Extent3(1, 2, 2)), .auto) == ["winograd", "winograd", "direct"])
        // Small maps, and weights that the last cache does not hold.
        #expect(try chosen(strided(Extent3(1, 2, 2), map: 14), .auto) == ["direct", "direct", "direct"])
        #expect(try chosen(strided(Extent3(1, 2, 2), C: 512), .auto) == ["direct", "direct", "direct"])
        #expect(
            try chosen(strided(Extent3(1, 2, 2), C: 512), .preferring("winograd")) == ["direct", "direct", "direct"])
        for layer in LayerShapes.phases {
            #expect(try chosen(layer.shape, .preferring("winograd")) == ["winograd", "winograd", "direct"], "\(layer)")
        }
        #expect(try chosen(strided(Extent3(2, 2, 2)), .preferring("winograd")) == ["direct", "direct", "direct"])
        let fault = #expect(throws: (any Error).self) { try chosen(strided(Extent3(2, 2, 2)), .named("winograd")) }
        #expect("\(fault!)".contains("stride 2x2x2"))
        // What is chosen does not depend on the batch, so neither do the logits: the shape does not hold it.
        let small = ConvolutionShape(
            C: 64, K: 64, kernel: Extent3(1, 3, 3), padding: Extent3(0, 1, 1), input: Extent3(4, 4, 4))
        #expect(try chosen(small, .auto) == ["winograd", "winograd", "direct"])
        let smallest = ConvolutionShape(
            C: 64, K: 64, kernel: Extent3(1, 3, 3), padding: Extent3(0, 1, 1), input: Extent3(1, 4, 4))
        #expect(try chosen(smallest, .auto) == ["direct", "direct", "direct"])
        #expect(try chosen(small, .preferring("winograd")) == ["winograd", "winograd", "winograd"])
    }
}

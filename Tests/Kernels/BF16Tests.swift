import Kernels
import Testing

/// The convolution of bfloat16 by emulated products: its packing, gathering and sums are those of the instruction.
@Suite(.enabled(if: InstructionSet.avx512.isSupported, "the emulation takes AVX-512"))
struct BF16Tests {
    private static let passes = ["forward", "backward-data", "backward-data added", "backward-weights"]
    private static let emulated = Convolution.Choice.named("bf16-emulated")

    /// What it takes of the shapes that others are tested with, and rows of one, two and many pairs.
    static let layers =
        (LayerShapes.odd + LayerShapes.tiles).filter { $0.shape.groups == 1 && $0.shape.C >= 16 && $0.shape.K >= 16 }
        + [
            shape("rows of one pixel", 17, 33, Extent3(3, 3, 1), padding: Extent3(1, 1, 0), Extent3(3, 5, 1)),
            shape(
                "five taps, stride 3", 31, 16, Extent3(1, 5, 5), stride: 3, padding: Extent3(0, 2, 2), Extent3(2, 11, 8)
            ),
            shape("two taps, stride 3", 16, 17, Extent3(2, 2, 2), stride: 3, Extent3(5, 8, 9)),
            shape(
                "strided points, padded", 18, 20, Extent3(1, 1, 1), stride: 2, padding: Extent3(1, 1, 1),
                Extent3(3, 4, 5)),
            shape("strided points", 130, 100, Extent3(1, 1, 1), stride: 2, Extent3(3, 5, 7)),
            shape("points in short chunks", 40, 60, Extent3(1, 1, 1), Extent3(3, 7, 7)),
            LayerShapes.Named(
                name: "strided points, padded in time",
                shape: ConvolutionShape(
                    C: 18, K: 20, kernel: Extent3(1, 1, 1), stride: Extent3(2, 1, 1), padding: Extent3(1, 0, 0),
                    input: Extent3(4, 3, 5))),
            shape("points in blocks", 700, 150, Extent3(1, 1, 1), Extent3(2, 7, 7)),
            shape("points of a prime number", 16, 16, Extent3(1, 1, 1), Extent3(1, 1, 13)),
            shape("time in blocks", 520, 130, Extent3(3, 1, 1), padding: Extent3(1, 0, 0), Extent3(4, 3, 7)),
            shape("time, strided", 100, 50, Extent3(3, 1, 1), stride: 2, padding: Extent3(1, 0, 0), Extent3(5, 6, 9)),
            shape("long rows", 16, 16, Extent3(1, 1, 3), padding: Extent3(0, 0, 1), Extent3(1, 2, 301)),
            shape("blocks in parts", 400, 100, Extent3(1, 3, 3), padding: Extent3(0, 1, 1), Extent3(1, 3, 4)),
        ]

    private static func shape(
        _ name: String, _ C: Int, _ K: Int, _ kernel: Extent3, stride: Int = 1, padding: Extent3 = Extent3(0, 0, 0),
        _ input: Extent3
    ) -> LayerShapes.Named {
        LayerShapes.Named(
            name: name,
            shape: ConvolutionShape(
                C: C, K: K, kernel: kernel, stride: Extent3(stride, stride, stride), padding: padding, input: input))
    }

    /// Of the rounded operands the products are exact, and only sums in f32 are left to differ: as with f32's convolution.
    @Test(arguments: layers) func itIsTheConvolutionOfRoundedOperands(_ layer: LayerShapes.Named) throws {
        for N in [1, 3] {
            let problem = ConvolutionProblem(layer.shape, N: N, seed: 31)
            let truth = ConvolutionProblem(layer.shape, N: N, seed: 31, rounding: BF16.rounded).truth()
            let results = try problem.run(.avx512, threads: 2, implementation: Self.emulated)
            for (pass, (ours, right)) in zip(Self.passes, zip(results, truth)) {
                #expect(relativeError(ours, right) <= 2e-6, "\(pass) of \(layer), N \(N)")
            }
        }
    }

    /// Eight bits: a factor is off by at most 2^-9 of itself, a product by 2^-8; by 8e-4 and 1.1e-3 in the mean of squares,
    /// and so is a sum of many products whose errors have either sign.
    @Test(arguments: layers) func itIsWithinTheRoundingOfItsFactors(_ layer: LayerShapes.Named) throws {
        let problem = ConvolutionProblem(layer.shape, N: 1, seed: 32)
        let results = try problem.run(.avx512, threads: 2, implementation: Self.emulated)
        for (number, (ours, right)) in zip(results, problem.truth()).enumerated() {
            let error = relativeError(ours, right)
            #expect(error <= 0x1p-8, "\(Self.passes[number]) of \(layer)")
            // Less would be f32. Where the result is added, most of it was there before.
            if number != 2 { #expect(error >= 3e-4, "\(Self.passes[number]) of \(layer)") }
        }
    }

    @Test(arguments: layers) func threadsChangeNoBit(_ layer: LayerShapes.Named) throws {
        let problem = ConvolutionProblem(layer.shape, N: 2, seed: 33)
        let one = try problem.run(.avx512, threads: 1, implementation: Self.emulated).map(\.bits)
        for threads in [2, 3, 5] {
            let more = try problem.run(.avx512, threads: threads, implementation: Self.emulated).map(\.bits)
            #expect(more == one, "\(layer), \(threads) threads")
        }
    }

    @Test(arguments: layers) func aClipDoesNotDependOnItsBatch(_ layer: LayerShapes.Named) throws {
        let three = ConvolutionProblem(layer.shape, N: 3, seed: 34)
        let one = ConvolutionProblem(layer.shape, N: 1, seed: 34)
        let (all, alone) = (
            try three.run(.avx512, threads: 1, implementation: Self.emulated),
            try one.run(.avx512, threads: 1, implementation: Self.emulated)
        )
        for pass in 0..<3 {
            #expect(Array(all[pass].bits.prefix(alone[pass].count)) == alone[pass].bits, "\(layer)")
        }
    }

    /// The instruction's own table, where the processor has it: the bits of the emulation.
    @Test(.enabled(if: InstructionSet.avx512BF16.isSupported), arguments: layers)
    func theInstructionComputesTheSameBits(_ layer: LayerShapes.Named) throws {
        let problem = ConvolutionProblem(layer.shape, N: 2, seed: 35)
        let emulated = try problem.run(.avx512, threads: 2, implementation: Self.emulated).map(\.bits)
        #expect(try problem.run(.avx512BF16, threads: 2, implementation: .named("bf16")).map(\.bits) == emulated)
    }
}

/// What is chosen; nothing is computed.
@Suite struct BF16ChoiceTests {
    private func chosen(
        _ shape: ConvolutionShape, _ set: InstructionSet = .avx512BF16, _ choice: Convolution.Choice = .auto
    ) throws -> String {
        try Convolution(shape, instructionSet: set, implementation: choice).implementation
    }

    @Test func winogradStaysWhereItIsWorthIt() throws {
        let large = Dictionary(uniqueKeysWithValues: LayerShapes.large.map { ($0.name, $0.shape) })
        let strided = try #require(large["stage 3 1x3x3 stride 2"])
        let stem = try #require(large["stem 1x7x7"])
        let design = LayerShapes.design.shape
        #expect(try chosen(design) == "winograd")
        #expect(try chosen(try #require(large["stage 5 1x3x3"])) == "winograd/winograd/bf16")
        #expect(try chosen(try #require(large["stage 3 projection"])) == "bf16")
        #expect(try chosen(strided) == "bf16")
        #expect(try chosen(stem) == "direct", "three channels")
        #expect(try chosen(design, .avx512BF16, .preferring("direct")) == "bf16", "without Winograd's transforms")
        #expect(try chosen(stem, .avx512BF16, .preferring("direct")) == "direct")
        let depthwise = try #require(LayerShapes.odd.first { $0.name == "depthwise 54" })
        #expect(try chosen(depthwise.shape) == "depthwise")
    }

    @Test func alongTimeTheFasterOneIsTaken() throws {
        func layer(_ C: Int, _ K: Int, _ input: Extent3) -> ConvolutionShape {
            ConvolutionShape(C: C, K: K, kernel: Extent3(3, 1, 1), padding: Extent3(1, 0, 0), input: input)
        }
        #expect(try chosen(layer(1024, 256, Extent3(8, 14, 14))) == "bf16/bf16/winograd", "rounding is paid for")
        #expect(try chosen(layer(144, 64, Extent3(8, 56, 56))) == "winograd/bf16/winograd", "few output channels")
        #expect(try chosen(layer(2048, 512, Extent3(8, 7, 7))) == "bf16", "more sums than input")
        #expect(try chosen(layer(1024, 256, Extent3(8, 14, 14)), .avx512) == "winograd")
    }

    @Test func nobodyGetsItUnasked() throws {
        for layer in LayerShapes.odd + LayerShapes.networks.flatMap(\.layers) {
            for set in InstructionSet.ofF32 {
                let names = try Convolution(layer.shape, instructionSet: set).chosen
                #expect(!names.contains { $0.hasPrefix("bf16") }, "\(layer), \(set)")
            }
            let names = try Convolution(layer.shape, instructionSet: .avx512BF16).chosen
            #expect(!names.contains { $0 == "plain" || $0 == "bf16-emulated" }, "\(layer)")
        }
        #expect(InstructionSet.best.compute == .f32)
        let strided = ConvolutionShape(
            C: 64, K: 64, kernel: Extent3(1, 3, 3), stride: Extent3(1, 2, 2), input: Extent3(1, 9, 9))
        let fault = #expect(throws: (any Error).self) { try chosen(strided, .avx512, .named("bf16")) }
        #expect("\(fault!)".contains("does not take"))
    }
}

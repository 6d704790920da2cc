import Kernels
import Testing

private struct Problem {
    let shape: ConvolutionShape
    let N: Int
    let x: Tensor<Float>
    let w: Tensor<Float>
    let dy: Tensor<Float>
    let start: Tensor<Float>

    init(_ shape: ConvolutionShape, N: Int, seed: Int) {
        self.shape = shape
        self.N = N
        x = Tensor(N * shape.inputCount) { noise(seed, $0) + 0.1 }
        w = Tensor(shape.weightCount) { noise(seed + 1, $0) }
        dy = Tensor(N * shape.outputCount) { noise(seed + 2, $0) - 0.05 }
        start = Tensor(N * shape.inputCount) { noise(seed + 3, $0) }
    }

    /// Runs all passes and checks that they keep to their memory.
    func run(_ set: InstructionSet, threads: Int, implementation: Convolution.Choice = .auto) throws -> [Tensor<Float>]
    {
        let layer = try Convolution(shape, instructionSet: set, implementation: implementation)
        let pool = ThreadPool(threads: threads)
        let scratch = Tensor<Float>(layer.scratchCount(N: N, threads: threads)) { _ in .nan }
        let forward = Tensor<Float>(layer.packedCount(.forward)) { _ in .nan }
        let backward = Tensor<Float>(layer.packedCount(.backwardData)) { _ in .nan }
        layer.pack(weights: w.pointer, into: forward.pointer, for: .forward, pool: pool)
        layer.pack(weights: w.pointer, into: backward.pointer, for: .backwardData, pool: pool)
        let y = Tensor<Float>(N * shape.outputCount) { _ in .nan }
        let dx = Tensor<Float>(N * shape.inputCount) { _ in .nan }
        let sum = Tensor<Float>(N * shape.inputCount) { start[$0] }
        let dw = Tensor<Float>(shape.weightCount) { _ in .nan }
        layer.forward(N: N, x: x.pointer, packed: forward.pointer, y: y.pointer, scratch: scratch.pointer, pool: pool)
        layer.backwardData(
            N: N, dy: dy.pointer, packed: backward.pointer, dx: dx.pointer, accumulate: false,
            scratch: scratch.pointer, pool: pool)
        layer.backwardData(
            N: N, dy: dy.pointer, packed: backward.pointer, dx: sum.pointer, accumulate: true,
            scratch: scratch.pointer, pool: pool)
        layer.backwardWeights(
            N: N, x: x.pointer, dy: dy.pointer, dw: dw.pointer, scratch: scratch.pointer, pool: pool)
        for tensor in [scratch, forward, backward, y, dx, sum, dw] { #expect(tensor.isIntact) }
        return [y, dx, sum, dw]
    }

    /// The same in f64.
    func truth() -> [Tensor<Double>] {
        let (x, w, dy) = (x.doubled, w.doubled, dy.doubled)
        let y = Tensor<Double>(N * shape.outputCount)
        let dx = Tensor<Double>(N * shape.inputCount)
        let sum = start.doubled
        let dw = Tensor<Double>(shape.weightCount)
        PlainReference.convolution(
            shape, pixels: 0..<N * shape.output.count, x: x.pointer, w: w.pointer, y: y.pointer)
        PlainReference.convolutionBackwardData(
            shape, pixels: 0..<N * shape.input.count, dy: dy.pointer, w: w.pointer, dx: dx.pointer,
            accumulate: false)
        for i in 0..<sum.count { sum.pointer[i] += dx[i] }
        PlainReference.convolutionBackwardWeights(
            shape, N: N, channels: 0..<shape.K, x: x.pointer, dy: dy.pointer, dw: dw.pointer)
        return [y, dx, sum, dw]
    }
}

@Suite struct ConvolutionTests {
    private static let passes = ["forward", "backward-data", "backward-data added", "backward-weights"]

    @Test(arguments: LayerShapes.odd) func everyInstructionSetAgreesWithTheReference(_ layer: LayerShapes.Named) throws
    {
        for N in [1, 3] {
            let problem = Problem(layer.shape, N: N, seed: 11)
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
        let problem = Problem(layer.shape, N: 2, seed: 12)
        let one = try problem.run(.best, threads: 1).map(\.bits)
        for threads in [2, 3, 5] {
            #expect(try problem.run(.best, threads: threads).map(\.bits) == one, "\(layer), \(threads) threads")
        }
    }

    @Test(arguments: LayerShapes.odd) func aClipDoesNotDependOnItsBatch(_ layer: LayerShapes.Named) throws {
        // The sums over taps and channels have one order, whatever tile a pixel falls into.
        let three = Problem(layer.shape, N: 3, seed: 13)
        let one = Problem(layer.shape, N: 1, seed: 13)
        let (all, alone) = (try three.run(.best, threads: 1), try one.run(.best, threads: 1))
        for pass in 0..<3 {
            #expect(Array(all[pass].bits.prefix(alone[pass].count)) == alone[pass].bits, "\(layer)")
        }
    }

    @Test func thePlainImplementationAgrees() throws {
        for layer in LayerShapes.odd.prefix(6) {
            let problem = Problem(layer.shape, N: 2, seed: 14)
            let results = try problem.run(.best, threads: 2, implementation: .named("plain"))
            for (ours, truth) in zip(results, problem.truth()) { #expect(relativeError(ours, truth) <= 1e-5) }
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

import Kernels
import Testing

/// A convolution's operands and what its passes make of them.
struct ConvolutionProblem {
    let shape: ConvolutionShape
    let N: Int
    let x: Tensor<Float>
    let w: Tensor<Float>
    let dy: Tensor<Float>
    let start: Tensor<Float>

    /// - Parameter rounding: what is done to the operands.
    init(_ shape: ConvolutionShape, N: Int, seed: Int, rounding: (Float) -> Float = { $0 }) {
        self.shape = shape
        self.N = N
        x = Tensor(N * shape.inputCount) { rounding(noise(seed, $0) + 0.1) }
        w = Tensor(shape.weightCount) { rounding(noise(seed + 1, $0)) }
        dy = Tensor(N * shape.outputCount) { rounding(noise(seed + 2, $0) - 0.05) }
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

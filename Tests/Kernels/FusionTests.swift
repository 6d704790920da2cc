import Kernels
import Testing

/// A convolution with what stands around it, against the same in passes of its own.
private struct FusedProblem {
    let shape: ConvolutionShape
    let N: Int
    let x: Tensor<Float>
    let w: Tensor<Float>
    let dy: Tensor<Float>
    let factor: Tensor<Float>
    let offset: Tensor<Float>
    let bias: Tensor<Float>
    let residual: Tensor<Float>

    init(_ shape: ConvolutionShape, N: Int) {
        self.shape = shape
        self.N = N
        x = Tensor(N * shape.inputCount) { noise(41, $0) + 0.2 }
        w = Tensor(shape.weightCount) { noise(42, $0) }
        dy = Tensor(N * shape.outputCount) { noise(43, $0) }
        factor = Tensor(shape.C) { noise(44, $0) + 0.5 }
        offset = Tensor(shape.C) { noise(45, $0) * 0.5 }
        bias = Tensor(shape.K) { noise(46, $0) }
        residual = Tensor(N * shape.outputCount) { noise(47, $0) }
    }

    /// What the prologue makes of the input.
    private func normalised(_ set: InstructionSet) -> Tensor<Float> {
        let norm = BatchNorm(C: shape.C, epsilon: 1, instructionSet: set)
        let P = N * shape.input.count
        let y = Tensor<Float>(P * shape.C) { _ in .nan }
        let scratch = Tensor<Float>(norm.scratchCount(P: P)) { _ in .nan }
        norm.apply(
            P: P, x: x.pointer, factor: factor.pointer, offset: offset.pointer, residual: nil, relu: true,
            y: y.pointer, scratch: scratch.pointer, pool: ThreadPool(threads: 1))
        return y
    }

    struct Results {
        var y: [Float]
        var dw: [Float]
        var sums: [Double]
    }

    /// With `fuses`, prologue and epilogue are given to the convolution; otherwise they are passes of their own.
    func run(
        _ set: InstructionSet, fuses: Bool, prologue: Bool, follows: Bool, threads: Int = 2,
        implementation: Convolution.Choice = .auto
    ) throws -> Results {
        let layer = try Convolution(shape, instructionSet: set, implementation: implementation)
        let pool = ThreadPool(threads: threads)
        func scratch(_ pass: Convolution.Pass?) -> Tensor<Float> {
            Tensor(layer.scratchCount(pass, N: N, threads: threads, prologue: fuses && prologue, statistics: fuses)) {
                _ in .nan
            }
        }
        let packed = Tensor<Float>(layer.packedCount(.forward)) { _ in .nan }
        layer.pack(weights: w.pointer, into: packed.pointer, for: .forward, pool: pool)
        let y = Tensor<Float>(N * shape.outputCount) { _ in .nan }
        let dw = Tensor<Float>(shape.weightCount) { _ in .nan }
        let sums = Tensor<Double>(2 * shape.K) { _ in .nan }
        let (forward, backward) = (scratch(.forward), scratch(nil))
        let input = prologue && !fuses ? normalised(set) : x
        let before = prologue && fuses ? Prologue(factor: factor.pointer, offset: offset.pointer) : nil
        var after = Epilogue(statistics: sums.pointer)
        if follows {
            after.bias = UnsafePointer(bias.pointer)
            after.residual = UnsafePointer(residual.pointer)
            after.relu = true
        }
        layer.forward(
            N: N, x: input.pointer, prologue: before, packed: packed.pointer, y: y.pointer,
            epilogue: fuses ? after : nil, scratch: forward.pointer, pool: pool)
        layer.backwardWeights(
            N: N, x: input.pointer, prologue: before, dy: dy.pointer, dw: dw.pointer, scratch: backward.pointer,
            pool: pool)
        if !fuses {
            for k in 0..<2 * shape.K { sums.pointer[k] = 0 }
            for i in 0..<y.count {
                let k = i % shape.K
                if follows { y.pointer[i] = max(y[i] + bias[k] + residual[i], 0) }
                sums.pointer[k] += Double(y[i])
                sums.pointer[shape.K + k] += Double(y[i]) * Double(y[i])
            }
        }
        for tensor in [forward, backward, packed, y, dw] { #expect(tensor.isIntact, "\(shape)") }
        #expect(sums.isIntact)
        return Results(y: y.bits, dw: dw.bits, sums: sums.bits)
    }
}

@Suite struct FusionTests {
    private static let choices: [Convolution.Choice] = [
        .auto, .named("plain"), .preferring("winograd"), .preferring("bf16-emulated"),
    ]

    @Test(arguments: LayerShapes.odd + LayerShapes.tiles + LayerShapes.phases) func fusedIsTheSameAsPassesOfTheirOwn(
        _ layer: LayerShapes.Named
    ) throws {
        for N in [1, 3] {
            let problem = FusedProblem(layer.shape, N: N)
            for set in supportedSets {
                for (prologue, follows) in [(false, true), (true, false), (true, true)] {
                    for choice in Self.choices {
                        let fused = try problem.run(
                            set, fuses: true, prologue: prologue, follows: follows, implementation: choice)
                        let apart = try problem.run(
                            set, fuses: false, prologue: prologue, follows: follows, implementation: choice)
                        let what = "\(layer), N \(N), \(set), prologue \(prologue), follows \(follows), \(choice)"
                        #expect(fused.y == apart.y, "\(what)")
                        #expect(fused.dw == apart.dw, "\(what)")
                        // f32 within a block of up to 256 pixels, two chains of additions; f64 beyond.
                        let squares = apart.sums[layer.shape.K...]
                        for (k, (ours, truth)) in zip(fused.sums, apart.sums).enumerated() {
                            let pixels = Double(N * layer.shape.output.count)
                            let size = (squares[layer.shape.K + k % layer.shape.K] * pixels).squareRoot()
                            let bound = 4e-6 * (k < layer.shape.K ? size : truth)
                            #expect(abs(ours - truth) <= bound, "\(what), sum \(k)")
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: LayerShapes.odd + LayerShapes.tiles + LayerShapes.phases) func threadsChangeNoBit(
        _ layer: LayerShapes.Named
    ) throws {
        let problem = FusedProblem(layer.shape, N: 2)
        for choice in Self.choices {
            let one = try problem.run(
                .best, fuses: true, prologue: true, follows: true, threads: 1, implementation: choice)
            for threads in [2, 3, 5] {
                let more = try problem.run(
                    .best, fuses: true, prologue: true, follows: true, threads: threads, implementation: choice)
                #expect(more.y == one.y && more.dw == one.dw && more.sums == one.sums, "\(layer), \(threads) threads")
            }
        }
    }

    /// Padding of which the windows see nothing else: sums of nothing, which the epilogue follows all the same.
    @Test func pixelsThatSeeOnlyPaddingAreFinished() throws {
        let shape = ConvolutionShape(
            C: 16, K: 16, kernel: Extent3(1, 1, 1), stride: Extent3(2, 2, 2), padding: Extent3(1, 1, 1),
            input: Extent3(1, 1, 1))
        let problem = FusedProblem(shape, N: 2)
        for choice in Self.choices {
            let fused = try problem.run(.best, fuses: true, prologue: true, follows: true, implementation: choice)
            let apart = try problem.run(.best, fuses: false, prologue: true, follows: true, implementation: choice)
            #expect(fused.y == apart.y, "\(choice)")
            for (ours, truth) in zip(fused.sums, apart.sums) { #expect(abs(ours - truth) <= 1e-4, "\(choice)") }
        }
    }

    /// 137 blocks of tiles: more than have slots of their own, and fewer than four for each of 40 threads.
    @Test func manyThreadsDoNotMakeMoreSums() throws {
        let shape = ConvolutionShape(
            C: 16, K: 16, kernel: Extent3(3, 1, 1), padding: Extent3(1, 0, 0), input: Extent3(4, 66, 66))
        let problem = FusedProblem(shape, N: 1)
        let (one, many) = (
            try problem.run(
                .best, fuses: true, prologue: true, follows: true, threads: 1, implementation: .named("winograd")),
            try problem.run(
                .best, fuses: true, prologue: true, follows: true, threads: 40, implementation: .named("winograd"))
        )
        #expect(many.y == one.y)
        #expect(many.sums == one.sums)
    }
}

/// `PlainReference` as an implementation: any shape, reached by name only.
enum PlainConvolution: ConvolutionImplementation {
    static let name = "plain"

    static func product(
        _ shape: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet
    ) -> (any ConvolutionProduct)? {
        Product(shape: shape, pass: pass)
    }

    static func weightGradient(
        _ shape: ConvolutionShape, instructionSet: InstructionSet
    ) -> (any ConvolutionWeightGradient)? {
        Gradient(shape: shape)
    }

    static func isChosen(_ shape: ConvolutionShape, _ pass: Convolution.Pass?, _ compute: Compute) -> Bool { false }

    private struct Product: ConvolutionProduct {
        let shape: ConvolutionShape
        let pass: Convolution.Pass

        var packedCount: Int { shape.weightCount }

        func scratchCount(N: Int, threads: Int) -> Int { 0 }

        func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
            packed.update(from: weights, count: shape.weightCount)
        }

        func run(
            N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
            accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
        ) {
            let pixels = N * (pass == .forward ? shape.output.count : shape.input.count)
            let rows = 16
            pool.run((pixels + rows - 1) / rows) { task in
                let range = task * rows..<min((task + 1) * rows, pixels)
                switch pass {
                case .forward:
                    PlainReference.convolution(shape, pixels: range, x: source, w: packed, y: target)
                case .backwardData:
                    PlainReference.convolutionBackwardData(
                        shape, pixels: range, dy: source, w: packed, dx: target, accumulate: accumulate)
                }
            }
        }
    }

    private struct Gradient: ConvolutionWeightGradient {
        let shape: ConvolutionShape

        func scratchCount(N: Int, threads: Int) -> Int { 0 }

        func run(
            N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
            scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
        ) {
            pool.run(shape.K) { k in
                PlainReference.convolutionBackwardWeights(shape, N: N, channels: k..<k + 1, x: x, dy: dy, dw: dw)
            }
        }
    }
}

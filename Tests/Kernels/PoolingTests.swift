import Kernels
import Testing

@Suite struct PoolingTests {
    private static let shapes = [
        PoolingShape(
            C: 5, kernel: Extent3(1, 3, 3), stride: Extent3(1, 2, 2), padding: Extent3(0, 1, 1), input: Extent3(2, 7, 6)
        ),
        PoolingShape(C: 64, kernel: Extent3(2, 2, 2), stride: Extent3(2, 2, 2), input: Extent3(4, 6, 5)),
        PoolingShape(
            C: 33, kernel: Extent3(3, 3, 3), stride: Extent3(1, 1, 1), padding: Extent3(1, 1, 1),
            input: Extent3(3, 3, 4)),
        PoolingShape(
            C: 8, kernel: Extent3(1, 3, 3), stride: Extent3(1, 2, 2), padding: Extent3(0, 1, 1), input: Extent3(3, 8, 9)
        ),
        PoolingShape.global(C: 512, input: Extent3(1, 4, 4)),
        PoolingShape.global(C: 37, input: Extent3(2, 7, 7)),
    ]
    private static let N = 3

    @Test(arguments: shapes) func maximaAgreeWithTheReference(_ shape: PoolingShape) {
        let x = Tensor<Float>(Self.N * shape.input.count * shape.C) { noise(41, $0) }
        let dy = Tensor<Float>(Self.N * shape.output.count * shape.C) { noise(42, $0) }
        let (dx64, y64) = (Tensor<Double>(x.count), Tensor<Double>(dy.count))
        PlainReference.maxPool(shape, N: Self.N, x: x.doubled.pointer, y: y64.pointer)
        PlainReference.maxPoolBackward(
            shape, N: Self.N, x: x.doubled.pointer, y: y64.pointer, dy: dy.doubled.pointer, dx: dx64.pointer)
        for set in supportedSets {
            let (y, dx) = (Tensor<Float>(dy.count), Tensor<Float>(x.count))
            let layer = MaxPool(shape, instructionSet: set)
            let pool = ThreadPool(threads: 2)
            layer.forward(N: Self.N, x: x.pointer, y: y.pointer, pool: pool)
            layer.backward(N: Self.N, x: x.pointer, y: y.pointer, dy: dy.pointer, dx: dx.pointer, pool: pool)
            #expect(relativeError(y, y64) == 0)
            #expect(relativeError(dx, dx64) <= 1e-6)
            #expect(y.isIntact && dx.isIntact)
        }
    }

    @Test(arguments: shapes, [true, false])
    func meansAgreeWithTheReference(_ shape: PoolingShape, includesPadding: Bool) {
        let x = Tensor<Float>(Self.N * shape.input.count * shape.C) { noise(43, $0) }
        let dy = Tensor<Float>(Self.N * shape.output.count * shape.C) { noise(44, $0) }
        let (dx64, y64) = (Tensor<Double>(x.count), Tensor<Double>(dy.count))
        PlainReference.averagePool(
            shape, includesPadding: includesPadding, N: Self.N, x: x.doubled.pointer, y: y64.pointer)
        PlainReference.averagePoolBackward(
            shape, includesPadding: includesPadding, N: Self.N, dy: dy.doubled.pointer, dx: dx64.pointer)
        for set in supportedSets {
            let (y, dx) = (Tensor<Float>(dy.count), Tensor<Float>(x.count))
            let layer = AveragePool(shape, includesPadding: includesPadding, instructionSet: set)
            let pool = ThreadPool(threads: 2)
            let scratch = Tensor<Float>(layer.scratchCount(N: Self.N)) { _ in .nan }
            layer.forward(N: Self.N, x: x.pointer, y: y.pointer, scratch: scratch.pointer, pool: pool)
            layer.backward(N: Self.N, dy: dy.pointer, dx: dx.pointer, pool: pool)
            #expect(relativeError(y, y64) <= 1e-6)
            #expect(relativeError(dx, dx64) <= 1e-6)
            #expect(y.isIntact && dx.isIntact && scratch.isIntact)
        }
    }

    @Test func elementwisePassesAgree() {
        for count in [1, 15, 16, 77, 40_000] {
            let a = Tensor<Float>(count) { noise(45, $0) }
            let b = Tensor<Float>(count) { noise(46, $0) }
            for set in supportedSets {
                let (passes, pool) = (Elementwise(instructionSet: set), ThreadPool(threads: 2))
                let positive = Tensor<Float>(count)
                let gradient = Tensor<Float>(count)
                let sum = Tensor<Float>(count)
                passes.relu(count: count, x: a.pointer, y: positive.pointer, pool: pool)
                passes.reluBackward(
                    count: count, y: positive.pointer, dy: b.pointer, dx: gradient.pointer, pool: pool)
                passes.add(count: count, a.pointer, b.pointer, y: sum.pointer, pool: pool)
                for i in 0..<count {
                    guard positive[i] == max(a[i], 0), gradient[i] == (a[i] > 0 ? b[i] : 0), sum[i] == a[i] + b[i]
                    else {
                        Issue.record("value \(i) of \(count), \(set)")
                        break
                    }
                }
                #expect(positive.isIntact && gradient.isIntact && sum.isIntact)
            }
        }
    }
}

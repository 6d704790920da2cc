import Kernels
import Testing

@Suite struct ChannelTests {
    /// Clips, pixels, channels.
    private static let sizes = [
        (1, 1, 3), (3, 7, 5), (2, 33, 16), (2, 200, 45), (1, 4000, 24), (2, 1600, 54), (2, 9, 432),
    ]

    private func results(
        _ N: Int, _ P: Int, _ C: Int, _ set: InstructionSet, threads: Int
    ) -> [(String, Tensor<Float>)] {
        let pool = ThreadPool(threads: threads)
        let (x, dy, s) = inputs(N, P, C)
        let (sums, scale) = (ChannelSums(C: C, instructionSet: set), ChannelScale(C: C, instructionSet: set))
        let scratch = Tensor<Float>(max(sums.scratchCount(N: N, P: P), scale.scratchCount(N: N, P: P))) { _ in .nan }
        let (total, y, ds, dx) = (
            Tensor<Float>(N * C), Tensor<Float>(N * P * C), Tensor<Float>(N * C), Tensor<Float>(N * P * C)
        )
        sums.run(N: N, P: P, x: x.pointer, factor: 0.5, sums: total.pointer, scratch: scratch.pointer, pool: pool)
        scale.forward(
            N: N, P: P, x: x.pointer, s: s.pointer, y: y.pointer, scratch: scratch.pointer, pool: pool)
        scale.backwardScale(
            N: N, P: P, x: x.pointer, dy: dy.pointer, ds: ds.pointer, scratch: scratch.pointer, pool: pool)
        scale.backwardData(
            N: N, P: P, s: s.pointer, dy: dy.pointer, dx: dx.pointer, scratch: scratch.pointer, pool: pool)
        for tensor in [total, y, ds, dx, scratch] { #expect(tensor.isIntact) }
        return [("sums", total), ("y", y), ("ds", ds), ("dx", dx)]
    }

    private func inputs(_ N: Int, _ P: Int, _ C: Int) -> (x: Tensor<Float>, dy: Tensor<Float>, s: Tensor<Float>) {
        (
            Tensor(N * P * C) { noise(61, $0) + 0.2 }, Tensor(N * P * C) { noise(62, $0) },
            Tensor(N * C) { noise(63, $0) }
        )
    }

    @Test func everyInstructionSetAgreesWithSumsInDouble() {
        for (N, P, C) in Self.sizes {
            let (x, dy, s) = inputs(N, P, C)
            func sum(_ i: Int, _ term: (Int) -> Double) -> Double {
                (0..<P).reduce(0) { $0 + term((i / C * P + $1) * C + i % C) }
            }
            let truth = [
                Tensor<Double>(N * C) { sum($0) { Double(x[$0]) / 2 } },
                Tensor<Double>(x.count) { Double(x[$0]) * Double(s[$0 / (P * C) * C + $0 % C]) },
                Tensor<Double>(N * C) { sum($0) { Double(x[$0]) * Double(dy[$0]) } },
                Tensor<Double>(x.count) { Double(dy[$0]) * Double(s[$0 / (P * C) * C + $0 % C]) },
            ]
            for set in supportedSets {
                for ((name, ours), truth) in zip(results(N, P, C, set, threads: 2), truth) {
                    #expect(relativeError(ours, truth) <= 1e-6, "\(name) of \(N) x \(P) x \(C), \(set)")
                }
            }
        }
    }

    @Test func threadsChangeNoBit() {
        for (N, P, C) in Self.sizes {
            let one = results(N, P, C, .best, threads: 1).map(\.1.bits)
            #expect(results(N, P, C, .best, threads: 3).map(\.1.bits) == one)
        }
    }

    @Test func partsComeBackFromTheWhole() {
        let P = 1000
        let concatenation = Concatenation(channels: [5, 64, 1])
        let pool = ThreadPool(threads: 2)
        let parts = concatenation.channels.enumerated().map { index, C in Tensor<Float>(P * C) { noise(64 + index, $0) }
        }
        let whole = Tensor<Float>(P * concatenation.C)
        for (index, part) in parts.enumerated() {
            concatenation.put(part: index, P: P, x: part.pointer, y: whole.pointer, pool: pool)
        }
        #expect(whole.isIntact)
        for p in [0, 1, 517, P - 1] {
            let pixel = (0..<70).map { whole[p * 70 + $0] }
            #expect(
                pixel == (0..<5).map { parts[0][p * 5 + $0] } + (0..<64).map { parts[1][p * 64 + $0] } + [parts[2][p]])
        }
        for (index, part) in parts.enumerated() {
            let taken = Tensor<Float>(part.count)
            concatenation.take(part: index, P: P, y: whole.pointer, x: taken.pointer, pool: pool)
            #expect(taken.bits == part.bits && taken.isIntact)
        }
    }

    @Test func framesAreTakenInTheirOrder() {
        let (N, C, extent) = (2, 3, Extent3(4, 2, 5))
        let frame = extent.h * extent.w * C
        let selection = FrameSelection([3, 0, 3], C: C, input: extent, instructionSet: .best)
        let pool = ThreadPool(threads: 2)
        let x = Tensor<Float>(N * 4 * frame) { Float($0 / frame) }
        let y = Tensor<Float>(N * 3 * frame)
        selection.forward(N: N, x: x.pointer, y: y.pointer, pool: pool)
        #expect((0..<6).map { y[$0 * frame + frame / 2] } == [3, 0, 3, 7, 4, 7])
        let dy = Tensor<Float>(y.count) { Float($0 / frame + 1) }
        let dx = Tensor<Float>(x.count)
        selection.backward(N: N, dy: dy.pointer, dx: dx.pointer, pool: pool)
        #expect((0..<8).map { dx[$0 * frame + frame - 1] } == [2, 0, 0, 4, 5, 0, 0, 10])
        #expect(y.isIntact && dx.isIntact)
    }
}

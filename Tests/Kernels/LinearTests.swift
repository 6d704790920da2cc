import Kernels
import Testing

@Suite struct LinearTests {
    private static let sizes = [(1, 3, 5), (4, 512, 8), (7, 100, 101), (2, 512, 400)]

    private func run(
        _ N: Int, _ C: Int, _ K: Int, _ set: InstructionSet, _ choice: Convolution.Choice, threads: Int
    ) throws -> [Tensor<Float>] {
        let layer = try Linear(C: C, K: K, instructionSet: set, implementation: choice)
        let pool = ThreadPool(threads: threads)
        let (x, w, b, dy) = inputs(N, C, K)
        let forward = Tensor<Float>(layer.packedCount(.forward))
        let backward = Tensor<Float>(layer.packedCount(.backwardData))
        let scratch = Tensor<Float>(layer.scratchCount(N: N, threads: threads)) { _ in .nan }
        let y = Tensor<Float>(N * K)
        let dx = Tensor<Float>(N * C)
        let dw = Tensor<Float>(K * C)
        let db = Tensor<Float>(K)
        layer.pack(weights: w.pointer, into: forward.pointer, for: .forward, pool: pool)
        layer.pack(weights: w.pointer, into: backward.pointer, for: .backwardData, pool: pool)
        layer.forward(
            N: N, x: x.pointer, packed: forward.pointer, bias: b.pointer, y: y.pointer, scratch: scratch.pointer,
            pool: pool)
        layer.backwardData(
            N: N, dy: dy.pointer, packed: backward.pointer, dx: dx.pointer, scratch: scratch.pointer, pool: pool)
        layer.backwardWeights(
            N: N, x: x.pointer, dy: dy.pointer, dw: dw.pointer, db: db.pointer, scratch: scratch.pointer, pool: pool)
        for tensor in [y, dx, dw, db, scratch, forward, backward] { #expect(tensor.isIntact) }
        return [y, dx, dw, db]
    }

    private func inputs(
        _ N: Int, _ C: Int, _ K: Int
    ) -> (x: Tensor<Float>, w: Tensor<Float>, b: Tensor<Float>, dy: Tensor<Float>) {
        (
            Tensor(N * C) { noise(31, $0) }, Tensor(K * C) { noise(32, $0) }, Tensor(K) { noise(33, $0) },
            Tensor(N * K) { noise(34, $0) }
        )
    }

    private func truth(_ N: Int, _ C: Int, _ K: Int) -> [Tensor<Double>] {
        let (x, w, b, dy) = inputs(N, C, K)
        func sum(_ count: Int, _ term: (Int) -> Double) -> Double { (0..<count).reduce(0) { $0 + term($1) } }
        return [
            Tensor(N * K) { i in
                Double(b[i % K]) + sum(C) { Double(x[i / K * C + $0]) * Double(w[i % K * C + $0]) }
            },
            Tensor(N * C) { i in sum(K) { Double(dy[i / C * K + $0]) * Double(w[$0 * C + i % C]) } },
            Tensor(K * C) { i in sum(N) { Double(dy[$0 * K + i / C]) * Double(x[$0 * C + i % C]) } },
            Tensor(K) { k in sum(N) { Double(dy[$0 * K + k]) } },
        ]
    }

    @Test func everyInstructionSetAgreesWithSumsInDouble() throws {
        for (N, C, K) in Self.sizes {
            let truth = truth(N, C, K)
            for set in supportedSets {
                for (ours, truth) in zip(try run(N, C, K, set, .auto, threads: 2), truth) {
                    #expect(relativeError(ours, truth) <= 1e-6, "\(N) x \(C) to \(K), \(set)")
                }
            }
        }
    }

    @Test func openBLASAgreesAndKnowsTheProcessor() throws {
        for (N, C, K) in Self.sizes {
            let results = try run(N, C, K, .best, .named("openblas"), threads: 1)
            for (ours, truth) in zip(results, truth(N, C, K)) { #expect(relativeError(ours, truth) <= 1e-6) }
        }
        let core = try OpenBLAS.shared.get().core
        if InstructionSet.best == .avx512 { #expect(core == "SkylakeX") }
        if InstructionSet.best == .avx2 { #expect(core == "Haswell") }
    }

    @Test func threadsChangeNoBit() throws {
        for (N, C, K) in Self.sizes {
            let one = try run(N, C, K, .best, .auto, threads: 1).map(\.bits)
            #expect(try run(N, C, K, .best, .auto, threads: 3).map(\.bits) == one)
        }
    }

    @Test func anUnknownImplementationIsRefusedWithTheNearest() {
        let fault = #expect(throws: (any Error).self) {
            try Linear(C: 2, K: 3, instructionSet: .best, implementation: .named("openblass"))
        }
        #expect("\(fault!)".contains("openblas"))
    }
}

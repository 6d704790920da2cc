import Testing
import Training
import Wire

/// The update of a chunk against the formulas, written out in scalars.
@Suite struct UpdateTests {
    private let pool = PayloadPool()

    /// 37 elements: two vectors and a tail.
    @Test(arguments: [true, false], [SGDSettings.Convention.rateInMomentum, .rateOutside])
    func followsTheFormula(nesterov: Bool, convention: SGDSettings.Convention) {
        let settings = OptimizerSettings(
            .sgd(SGDSettings(momentum: 0.9, nesterov: nesterov, convention: convention)))
        let count = 37
        let w = (0..<count).map { Float($0) * 0.37 - 5 }
        let m = (0..<count).map { Float($0 * $0 % 7) * 0.11 - 0.2 }
        let s = (0..<count).map { Float($0 % 5) - 1.7 }
        for decays in [true, false] {
            let new = settings.update(
                [pool.payload(copying: w), pool.payload(copying: m)], gradientSum: pool.payload(copying: s),
                scale: 0.125, rate: 0.05, weightDecay: decays ? 0.01 : 0, step: 3, pool: pool)
            for i in 0..<count {
                let g = s[i] * 0.125 + w[i] * (decays ? 0.01 : 0)
                let buffer: Float
                let step: Float
                switch convention {
                case .rateInMomentum:
                    buffer = m[i] * 0.9 + g * 0.05
                    step = nesterov ? buffer * (1 + 0.9) - m[i] * 0.9 : buffer
                case .rateOutside:
                    buffer = m[i] * 0.9 + g
                    step = (nesterov ? g + buffer * 0.9 : buffer) * 0.05
                }
                #expect(new[1].array(of: Float.self)[i] == buffer)
                #expect(new[0].array(of: Float.self)[i] == w[i] - step)
            }
        }
    }

    /// At a constant rate the two conventions are the same in exact arithmetic.
    @Test func conventionsAgreeAtAConstantRate() {
        var weights: [[Float]] = []
        for convention in [SGDSettings.Convention.rateInMomentum, .rateOutside] {
            let settings = OptimizerSettings(
                .sgd(SGDSettings(momentum: 0.9, nesterov: true, convention: convention)))
            var slots = [2, 0].map { pool.payload(copying: [Float](repeating: $0, count: 20)) }
            for step in 0..<10 {
                let gradient = pool.payload(copying: (0..<20).map { Float(($0 + step) % 3) - 1 })
                slots = settings.update(
                    slots, gradientSum: gradient, scale: 0.5, rate: 0.1, weightDecay: 1e-3, step: step, pool: pool)
            }
            weights.append(slots[0].array(of: Float.self))
        }
        for (a, b) in zip(weights[0], weights[1]) { #expect(abs(a - b) < 1e-5) }
    }

    /// 19 elements and two steps: the average begins with the weights and follows the new ones, as statistics' does.
    @Test func theAverageFollowsTheWeights() {
        let settings = OptimizerSettings(
            .sgd(SGDSettings(momentum: 0, nesterov: false, convention: .rateOutside)), averageDecay: 0.75)
        let layer = ChunkPlan.Statistics(channels: 1, retention: 0.5, varianceScale: 1)
        let plan = ChunkPlan(parameters: [.init(count: 19)], statistics: [layer], slots: settings.slots)
        #expect(plan.chunks.map(\.kinds) == [[.weights, .momentum, .average], [.weights, .average]])
        let start = (0..<19).map { Float($0) }
        var slots = plan.chunks[0].initialState(weights: pool.payload(copying: start), pool: pool)
        var running = plan.chunks[1].initialState(
            weights: pool.payload(copying: [Float](arrayLiteral: 0, 1)), pool: pool)
        #expect(slots[2].array(of: Float.self) == start)
        for step in 0..<2 {
            let gradient = pool.payload(copying: [Float](repeating: -8, count: 19))
            slots = settings.update(
                slots, gradientSum: gradient, scale: 0.5, rate: 1, weightDecay: 0, step: step, pool: pool)
            running = settings.update(
                running, of: layer, sum: pool.payload(copying: [8.0, 2.0]), units: 2, pool: pool)
        }
        // Weights rise by 4 a step: 0 + (4 - 0) / 4 = 1, 1 + (8 - 1) / 4 = 2.75. Means: 2, 3; 0.5, 1.125. Variances stay 1.
        #expect(slots[2].array(of: Float.self) == start.map { $0 + 2.75 })
        #expect(running[0].array(of: Float.self) == [3, 1])
        #expect(running[1].array(of: Float.self) == [1.125, 1])
    }

    @Test func statisticsAverageTheUnits() {
        let layer = ChunkPlan.Statistics(channels: 2, retention: 0.9, varianceScale: 4.0 / 3)
        let running = pool.payload(copying: [Float](arrayLiteral: 1, 2, 3, 4))
        let sum = pool.payload(copying: [2.0, 4.0, 6.0, 3.0])
        let new = layer.update(running: running, sum: sum, units: 2, pool: pool).array(of: Float.self)
        let expected = [1 * 0.9 + 1 * 0.1, 2 * 0.9 + 2 * 0.1, 3 * 0.9 + 4 * 0.1, 4 * 0.9 + 2 * 0.1]
        for (a, b) in zip(new, expected) { #expect(abs(Double(a) - b) < 1e-6) }
    }

    @Test func squaresAreSummedInEightLanes() {
        let values = (0..<21).map { Float($0) * 0.3 - 2 }
        var lanes = [Double](repeating: 0, count: 8)
        for (i, x) in values.enumerated() { lanes[i % 8] += Double(x) * Double(x) }
        #expect(Arithmetic.sumOfSquares(pool.payload(copying: values)) == lanes.reduce(0, +))
        #expect(!Arithmetic.sumOfSquares(pool.payload(copying: [1, Float.nan])).isFinite)
        #expect(Arithmetic.sumOfSquares(pool.payload(copying: [Float](repeating: 1e30, count: 9))).isFinite)
    }

    @Test func payloadsNeedNotBeAligned() {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 * 40 + 1, alignment: 64)
        defer { block.deallocate() }
        let odd = UnsafeMutableRawBufferPointer(rebasing: block[1...])
        for i in 0..<40 { odd.storeBytes(of: Float(i), toByteOffset: i * 4, as: Float.self) }
        let payload = Payload(adopting: odd) { _ in }
        let aligned = pool.payload(copying: (0..<40).map { Float($0) })
        #expect(payload.checksum() == aligned.checksum())
        #expect(Arithmetic.sumOfSquares(payload) == Arithmetic.sumOfSquares(aligned))
    }
}

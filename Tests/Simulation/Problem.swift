import Training
import Wire

/// A training problem small enough to be trained thousands of times: a few chunks, a gradient that is a pure function of
/// all weights, the step and the unit, and whose sums depend on their order in f32.
struct Problem {
    let number: UInt64
    let units: Int
    let steps: Int
    let plan: ChunkPlan
    let optimizer: OptimizerSettings
    let schedule: StepSchedule
    let clipNorm: Double
    /// The step whose gradient overflows, if any.
    let brokenStep: Int?
    /// Whether training begins from a checkpoint of step 0, whose values no seed gives.
    let beginsFromCheckpoint: Bool

    /// - Parameter finetunes: A parameter and a layer stay as they are, another has a rate of its own, and training begins
    ///   from a checkpoint.
    init(_ number: UInt64, finetunes: Bool) {
        self.number = number
        units = [1, 2, 3, 4, 5, 6, 8, 11][Int(number % 8)]
        steps = 4 + Int(number / 8 % 3)
        let sgd = SGDSettings(
            momentum: 0.9, nesterov: number % 2 == 0, convention: number % 3 == 0 ? .rateOutside : .rateInMomentum)
        let adam = AdamSettings(betas: [0.9, 0.95], epsilon: 1e-6, isDecoupled: number % 2 == 0)
        optimizer = OptimizerSettings(
            number % 7 == 3 ? .adam(adam) : .sgd(sgd), clipValue: number % 6 == 2 ? 0.75 : 0,
            averageDecay: number % 5 == 1 ? 0.75 : 0)
        plan = ChunkPlan(
            parameters: [
                .init(count: 37, weightDecay: 0.01), .init(count: 5),
                .init(count: 16, weightDecay: 0.02, rate: finetunes ? 2.5 : 1),
                .init(count: 20, weightDecay: 0.01, isFrozen: finetunes),
                .init(count: 3),
            ],
            statistics: [
                .init(channels: 3, retention: 0.9, varianceScale: 1.25, isFrozen: finetunes),
                // At times so large that some owner has nothing else: it may lag behind workers that need nothing of it.
                .init(channels: number % 3 == 2 ? 200 : 10, retention: 0.8, varianceScale: 1),
            ], slots: optimizer.slots, limit: 16)
        schedule = Self.schedule(number, units: units, steps: steps)
        clipNorm = number % 4 == 1 ? 0.5 : 0
        brokenStep = number % 5 == 4 ? 2 : nil
        beginsFromCheckpoint = finetunes
    }

    /// Steps of several sizes, in two phases, for some problems; else all alike.
    private static func schedule(_ number: UInt64, units: Int, steps: Int) -> StepSchedule {
        var rate = LearningRate(
            highest: 0.1, kind: .steps(every: 2, gamma: 0.5), steps: steps, stepsPerEpoch: 1.5, warmupEpochs: 1,
            warmupFrom: 0.1)
        guard number % 9 == 7 else { return StepSchedule(units: units, clipsPerUnit: 2, steps: steps, rate: rate) }
        let clip = ClipShape(frames: 1, crop: 1)
        func batch(_ clips: Int) -> StepBatch { StepBatch(groups: 2, clipsPerGroup: clips / 2, clip: clip) }
        rate.stepsPerEpoch *= Double(4 * units)
        rate.steps *= 4 * units
        // 8, 4, 8 clips a unit, then 2.
        let (first, rest) = (UInt64(20 * units), UInt64(2 * units * (steps - 3)))
        return StepSchedule(
            units: units, phases: [(first, [batch(8), batch(4)]), (first + rest, [batch(2)])], rate: rate)
    }

    /// Clips of a unit, written down once more.
    func clipsPerUnit(_ step: Int) -> Int { number % 9 == 7 ? [8, 4, 8, 2][min(step, 3)] : 2 }

    /// Where a step begins.
    func firstPosition(_ step: Int) -> Int { (0..<step).reduce(0) { $0 + units * clipsPerUnit($1) } }

    /// A number in [-1, 1) times a power of two, so that sums round.
    private func noise(_ a: Int, _ b: Int, _ c: Int, _ d: Int) -> Float {
        let digest = combinedDigest([number, UInt64(a), UInt64(b), UInt64(c), UInt64(d)])
        let mantissa = Float(Int32(truncatingIfNeeded: digest)) * 0x1p-31
        return mantissa * Float(sign: .plus, exponent: Int(digest >> 60) - 8, significand: 1)
    }

    /// What the checkpoint of step 0 holds, if there is one.
    func checkpointedWeights(_ chunk: Chunk) -> [Float] { initialWeights(chunk).map { 1.5 * $0 + 0.25 } }

    /// All slots before the first step.
    func firstState(of chunk: Chunk, weights: [Float]) -> [[Float]] {
        chunk.kinds.map { $0 == .weights || $0 == .average ? weights : Array(repeating: 0, count: chunk.elements) }
    }

    /// What the seed gives.
    func initialWeights(_ chunk: Chunk) -> [Float] {
        (0..<chunk.elements).map {
            chunk.isStatistics ? ($0 * 2 < chunk.elements ? 0 : 1) : noise(1, chunk.number, $0, 0)
        }
    }

    /// What all gradients depend on: weights of mixed versions give other bits everywhere.
    private func blend(_ weights: [[Float]]) -> Float {
        var sum: Float = 0
        for (chunk, values) in weights.enumerated() {
            for value in values { sum = sum * 0.75 + value * Float(chunk + 1) }
        }
        return sum
    }

    /// The unit's gradient of a trained chunk.
    func gradient(_ chunk: Int, weights: [[Float]], step: Int, unit: Int) -> [Float] {
        let blend = blend(weights)
        if step == brokenStep, unit == units / 2, chunk == 0 { return weights[0].map { _ in .infinity } }
        return weights[chunk].enumerated().map { i, w in
            noise(step + 2, unit, chunk, i) + 0.25 * w + 0.01 * blend
        }
    }

    /// The unit's means, then variances, of a layer.
    func statistics(_ layer: Int, weights: [[Float]], step: Int, unit: Int) -> [Double] {
        (0..<2 * plan.statistics[layer].channels).map {
            Double(blend(weights)) * 0.1 + Double(noise(step + 2, unit, 99 + layer, $0)) / 3
        }
    }

    func record(weights: [[Float]], step: Int, unit: Int) -> UnitRecord {
        let position = UInt64(firstPosition(step) + unit * clipsPerUnit(step))
        let substitutes =
            (step + unit) % 5 == 3 ? [Substitute(position: position, wanted: 7, used: 8, reason: "damaged")] : []
        return UnitRecord(
            unit: unit, loss: Double(blend(weights)) + Double(noise(step + 2, unit, 98, 0)), correct: unit % 3,
            substitutes: substitutes)
    }
}

/// The undisturbed run, written once more in the plainest way: loops, recursion, one process.
struct Truth {
    var slots: [[[Float]]]
    var outcomes: [StepOutcome] = []

    init(_ problem: Problem) {
        let plan = problem.plan
        slots = plan.chunks.map { chunk in
            problem.firstState(
                of: chunk,
                weights: problem.beginsFromCheckpoint
                    ? problem.checkpointedWeights(chunk) : problem.initialWeights(chunk))
        }
        for step in 0..<problem.steps { run(step, problem) }
    }

    private mutating func run(_ step: Int, _ problem: Problem) {
        let plan = problem.plan
        let weights = plan.chunks.map { plan.isComputedWith($0.number) ? slots[$0.number][0] : [] }
        let records = (0..<problem.units).map { problem.record(weights: weights, step: step, unit: $0) }
        let changing = plan.trained.filter { !plan.chunks[$0].isFrozen }
        let sums = changing.map { chunk in
            Self.tree(
                0, problem.units,
                of: (0..<problem.units).map {
                    problem.gradient(chunk, weights: weights, step: step, unit: $0)
                })
        }
        let layers = plan.statistics.indices.filter { !plan.statistics[$0].isFrozen }
        let statistics = layers.map { layer in
            Self.tree(
                0, problem.units,
                of: (0..<problem.units).map {
                    problem.statistics(layer, weights: weights, step: step, unit: $0)
                })
        }
        var squares = 0.0
        for sum in sums {
            var lanes = [Double](repeating: 0, count: 8)
            for (i, x) in sum.enumerated() { lanes[i % 8] += Double(x) * Double(x) }
            squares += lanes.reduce(0, +)
        }
        let finite = squares.isFinite
        let norm = squares.squareRoot() / Double(problem.units)
        let coefficient = finite && problem.clipNorm > 0 && norm > problem.clipNorm ? Float(problem.clipNorm / norm) : 1
        let rate = problem.schedule.rate(step)
        let pool = PayloadPool()
        outcomes.append(
            StepOutcome(
                step: step, firstPosition: UInt64(problem.firstPosition(step)),
                clips: problem.units * problem.clipsPerUnit(step),
                loss: records.reduce(0) { $0 + $1.loss } / Double(problem.units),
                correct: records.reduce(0) { $0 + $1.correct }, gradientNorm: finite ? norm : .infinity,
                gradientDigest: combinedDigest(
                    sums.map { pool.payload(copying: $0).checksum() }
                        + statistics.map { pool.payload(copying: $0).checksum() }),
                rate: rate, coefficient: coefficient, skipped: !finite, substitutes: records.flatMap(\.substitutes)))
        guard finite else { return }
        let scale = Float(Double(coefficient) / Double(problem.units))
        for (chunk, sum) in zip(changing, sums) {
            let rate = rate * plan.chunks[chunk].rate
            for i in slots[chunk][0].indices {
                update(
                    chunk, i, sum[i] * scale, rate, decay: plan.chunks[chunk].weightDecay, step, problem.optimizer)
            }
            average(chunk, problem.optimizer)
        }
        for (index, means) in zip(layers, statistics) {
            let layer = plan.statistics[index]
            let chunk = plan.chunk(ofStatistics: index)
            for i in 0..<2 * layer.channels {
                let mean = means[i] / Double(problem.units) * (i < layer.channels ? 1 : layer.varianceScale)
                slots[chunk][0][i] = Float(
                    Double(slots[chunk][0][i]) * layer.retention + mean * (1 - layer.retention))
            }
            average(chunk, problem.optimizer)
        }
    }

    private mutating func update(
        _ chunk: Int, _ i: Int, _ gradient: Float, _ rate: Float, decay: Float, _ step: Int,
        _ optimizer: OptimizerSettings
    ) {
        let bound = optimizer.clipValue > 0 ? optimizer.clipValue : .infinity
        let gradient = min(bound, max(-bound, gradient))
        let (w, m) = (slots[chunk][0][i], slots[chunk][1][i])
        let settings: SGDSettings
        switch optimizer.method {
        case .sgd(let sgd): settings = sgd
        case .adam(let adam): return update(chunk, i, gradient, rate, decay: decay, step, adam)
        }
        let mu = settings.momentum
        let g = gradient + w * decay
        switch settings.convention {
        case .rateInMomentum:
            let new = m * mu + g * rate
            slots[chunk][0][i] = settings.nesterov ? w - (new * (1 + mu) - m * mu) : w - new
            slots[chunk][1][i] = new
        case .rateOutside:
            let new = m * mu + g
            slots[chunk][0][i] = w - (settings.nesterov ? g + new * mu : new) * rate
            slots[chunk][1][i] = new
        }
    }

    private mutating func update(
        _ chunk: Int, _ i: Int, _ gradient: Float, _ rate: Float, decay: Float, _ step: Int, _ adam: AdamSettings
    ) {
        let (w, m, v) = (slots[chunk][0][i], slots[chunk][1][i], slots[chunk][2][i])
        // Powers by squaring, as the optimizer takes them: the last bit decides.
        func power(_ base: Double, _ n: Int) -> Double {
            n == 0 ? 1 : n % 2 == 1 ? power(base, n - 1) * base : power(base * base, n / 2)
        }
        let g = adam.isDecoupled ? gradient : gradient + w * decay
        let m1 = m + (g - m) * Float(1 - adam.betas[0])
        let v1 = v * Float(adam.betas[1]) + g * g * Float(1 - adam.betas[1])
        let size = Float(Double(rate) / (1 - power(adam.betas[0], step + 1)))
        let root = Float((1 - power(adam.betas[1], step + 1)).squareRoot())
        let shrunk = adam.isDecoupled ? w * Float(1 - Double(rate) * Double(decay)) : w
        slots[chunk][0][i] = shrunk - m1 / (v1.squareRoot() / root + adam.epsilon) * size
        slots[chunk][1][i] = m1
        slots[chunk][2][i] = v1
    }

    private mutating func average(_ chunk: Int, _ optimizer: OptimizerSettings) {
        guard optimizer.averageDecay > 0, let last = slots[chunk].indices.last else { return }
        for i in slots[chunk][0].indices {
            slots[chunk][last][i] += (slots[chunk][0][i] - slots[chunk][last][i]) * Float(1 - optimizer.averageDecay)
        }
    }

    /// Σ by the fixed tree: halves at the largest power of two below the count.
    private static func tree<T: FloatingPoint>(_ first: Int, _ end: Int, of leaves: [[T]]) -> [T] {
        if end - first == 1 { return leaves[first] }
        var half = 1
        while half * 2 < end - first { half *= 2 }
        let left = tree(first, first + half, of: leaves)
        let right = tree(first + half, end, of: leaves)
        return zip(left, right).map { $0 + $1 }
    }
}

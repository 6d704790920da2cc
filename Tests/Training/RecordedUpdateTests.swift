import Foundation
import TestSupport
import Testing
import Training
import Wire

/// Optimizers and schedules against what PyTorch computed (scripts/peers/optimizers.py).
@Suite struct RecordedUpdateTests {
    private struct OptimizerCase: Decodable {
        var name: String
        var rates: [Double]
        var clip_value: Double
        var start: [Double]
        var gradients: [[Double]]
        var after: [[Double]]
    }

    private struct ScheduleCase: Decodable {
        var name: String
        var highest: Double
        var rates: [Double]
    }

    private static func read<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
        try JSONDecoder().decode(T.self, from: Data(text(of: "\(sourceTree)/Tests/Fixtures/training/\(name)").utf8))
    }

    private static func settings(_ name: String, clipValue: Float) -> (settings: OptimizerSettings, decay: Float)? {
        func sgd(nesterov: Bool) -> OptimizerSettings {
            OptimizerSettings(
                .sgd(SGDSettings(momentum: 0.9, nesterov: nesterov, convention: .rateOutside)), clipValue: clipValue)
        }
        func adam(isDecoupled: Bool) -> OptimizerSettings {
            OptimizerSettings(.adam(AdamSettings(betas: [0.9, 0.99], epsilon: 1e-6, isDecoupled: isDecoupled)))
        }
        switch name {
        case "sgd": return (sgd(nesterov: false), 1e-2)
        case "sgd-nesterov": return (sgd(nesterov: true), 1e-2)
        case "sgd-clipped": return (sgd(nesterov: false), 0)
        case "adam": return (adam(isDecoupled: false), 1e-2)
        case "adamw": return (adam(isDecoupled: true), 5e-2)
        default: return nil
        }
    }

    /// 12 steps at falling rates. PyTorch and we round differently, by a unit of the last place or two at a step; 3e-6 is some
    /// ten of them at weights up to 3, and a wrong formula is off by 1e-3 at least.
    @Test func stepsAreThoseOfPyTorch() throws {
        let pool = PayloadPool()
        let cases = try Self.read("optimizers.json", as: [OptimizerCase].self)
        #expect(cases.count == 5)
        for wanted in cases {
            let (settings, decay) = try #require(Self.settings(wanted.name, clipValue: Float(wanted.clip_value)))
            let weights = pool.payload(copying: wanted.start.map { Float($0) })
            let plan = ChunkPlan(
                parameters: [.init(count: weights.count / 4)], statistics: [], slots: settings.slots)
            var slots = plan.chunks[0].initialState(weights: weights, pool: pool)
            for (step, gradient) in wanted.gradients.enumerated() {
                slots = settings.update(
                    slots, gradientSum: pool.payload(copying: gradient.map { Float($0 * 4) }), scale: 0.25,
                    rate: Float(wanted.rates[step]), weightDecay: decay, step: step, pool: pool)
                for (ours, theirs) in zip(slots[0].array(of: Float.self), wanted.after[step]) {
                    #expect(abs(Double(ours) - theirs) < 3e-6, "\(wanted.name), step \(step): \(ours), \(theirs)")
                }
            }
        }
    }

    /// One step for each epoch; PyTorch's cosine is a recurrence, which drifts by 1e-15 or so, and rates are f32: 6e-8.
    @Test func schedulesAreThoseOfPyTorch() throws {
        let kinds: [String: (kind: LearningRate.Kind, warmup: Double)] = [
            "multi-step": (.multiStep(milestones: [3, 7, 15], gamma: 0.2), 0),
            "steps": (.steps(every: 4, gamma: 0.5), 0), "cosine": (.cosine(end: 0.05), 0),
            "linear-then-cosine": (.cosine(end: 0.05, afterWarmup: true), 5),
        ]
        let cases = try Self.read("schedules.json", as: [ScheduleCase].self)
        #expect(cases.count == kinds.count)
        for wanted in cases {
            let (kind, warmup) = try #require(kinds[wanted.name])
            let rate = LearningRate(
                highest: wanted.highest, kind: kind, steps: wanted.rates.count, stepsPerEpoch: 1, warmupEpochs: warmup,
                warmupFrom: 0.25, warmup: .linear)
            for (epoch, theirs) in wanted.rates.enumerated() {
                #expect(abs(Double(rate(epoch)) - theirs) < 6e-8, "\(wanted.name), epoch \(epoch)")
            }
        }
    }

    /// Powers by squaring against plain products, both f64: each of at most 40 products may round.
    @Test func powersAreProducts() {
        for exponent in 0..<40 {
            let plain = (0..<exponent).reduce(1.0) { product, _ in product * 0.97 }
            #expect(abs(power(0.97, exponent) - plain) < 1e-14)
        }
        #expect(power(0.999, 1_000_000) == 0 || power(0.999, 1_000_000) < 1e-300)
    }
}

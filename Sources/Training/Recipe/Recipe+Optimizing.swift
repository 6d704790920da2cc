import Configuration
import Faults

/// `[optimizer]` and `[schedule]`.
extension Recipe {
    static func optimizer(_ reader: inout Reader) throws(Fault) -> Optimizer {
        let roles = ["weight", "bias", "scale", "shift"]
        let kind = try reader.choice("optimizer.kind", of: Optimizer.Kind.allCases.map(\.rawValue), default: "sgd")
        let optimizer = Optimizer(
            kind: Optimizer.Kind(rawValue: kind) ?? .sgd,
            learningRate: try reader.real("optimizer.learning_rate", in: 0...1000),
            momentum: try reader.real("optimizer.momentum", default: 0.9, in: 0...0.9999),
            nesterov: try reader.boolean("optimizer.nesterov", default: true),
            rateInMomentum: try reader.boolean("optimizer.rate_in_momentum", default: true),
            betas: try reader.reals("optimizer.betas", default: [0.9, 0.999], count: 2...2),
            epsilon: try reader.real("optimizer.epsilon", default: 1e-8, in: 0...1),
            weightDecay: try reader.real("optimizer.weight_decay", default: 1e-4, in: 0...1),
            weightDecayOn: try reader.strings("optimizer.weight_decay_on", default: ["weight", "scale"]),
            batchNormWeightDecay: try reader.real("optimizer.batch_norm_weight_decay", default: -1, in: -1...1),
            clipNorm: try reader.real("optimizer.clip_norm", default: 0, in: 0...1e9),
            clipValue: try reader.real("optimizer.clip_value", default: 0, in: 0...1e9),
            average: try reader.real("optimizer.average", default: 0, in: 0...0.9999999),
            freezesStatistics: try reader.boolean("optimizer.freeze_statistics", default: false),
            freeze: try reader.strings("optimizer.freeze", default: []), rates: try rates(&reader))
        for role in optimizer.weightDecayOn where !roles.contains(role) {
            throw Fault(
                .usage, reader.place("optimizer.weight_decay_on"), "'\(role)' is no role of a parameter",
                mend: advice(for: role, among: roles))
        }
        for beta in optimizer.betas where !(beta >= 0 && beta < 1) {
            throw Fault(
                .usage, reader.place("optimizer.betas"), "\(beta) is not in [0, 1)",
                mend: "write for example [0.9, 0.999]")
        }
        if optimizer.kind != .sgd, !(optimizer.epsilon >= 1e-30) {
            throw Fault(
                .usage, reader.place("optimizer.epsilon"),
                "\(optimizer.epsilon) lets a gradient of 0 divide 0 by 0", mend: "choose 1e-8")
        }
        if optimizer.batchNormWeightDecay < 0, optimizer.batchNormWeightDecay != -1 {
            throw Fault(
                .usage, reader.place("optimizer.batch_norm_weight_decay"),
                "\(optimizer.batchNormWeightDecay) is negative",
                mend: "choose 0 or more, or -1 for weight_decay_on's rule")
        }
        if optimizer.clipNorm > 0, optimizer.clipValue > 0 {
            throw Fault(
                .usage, reader.place("optimizer.clip_value"),
                "and optimizer.clip_norm are both above 0, and a gradient is clipped in one way only",
                mend: "set one of them to 0")
        }
        return optimizer
    }

    static func schedule(_ reader: inout Reader) throws(Fault) -> Schedule {
        let kinds = Schedule.Kind.allCases.map(\.rawValue)
        let kind = Schedule.Kind(rawValue: try reader.choice("schedule.kind", of: kinds, default: "steps")) ?? .steps
        let epochs = try reader.real("schedule.epochs", default: 0, in: 0...1e9)
        let steps = try reader.integer("schedule.steps", default: 0, in: 0...Int(1e12))
        guard epochs > 0 || steps > 0 else {
            throw Fault(
                .usage, reader.place("schedule.epochs"), "the recipe does not say how long to train",
                mend: "set schedule.epochs or schedule.steps")
        }
        let warmups = LearningRate.Warmup.allCases.map(\.rawValue)
        // All keys are read whatever the kind, so that a command line may choose another one than a recipe's file.
        let schedule = Schedule(
            epochs: epochs, steps: steps,
            clipsPerEpoch: try reader.integer("schedule.clips_per_epoch", default: 0, in: 0...Int(1e12)),
            kind: kind,
            stepEpochs: try reader.real("schedule.step_epochs", default: 10, in: 1e-6...1e9),
            gamma: try reader.real("schedule.gamma", default: 0.1, in: 0...1),
            milestones: try reader.reals("schedule.milestones", default: [], count: 0...1000),
            factors: try reader.reals("schedule.factors", default: [], count: 0...1000),
            endRate: try reader.real("schedule.end_rate", default: 0, in: 0...1000),
            cosineAfterWarmup: try reader.boolean("schedule.cosine_after_warmup", default: false),
            warmupEpochs: try reader.real("schedule.warmup_epochs", default: 0, in: 0...1e9),
            warmupFrom: try reader.real("schedule.warmup_from", default: 0.1, in: 0...1),
            warmup: LearningRate.Warmup(
                rawValue: try reader.choice("schedule.warmup", of: warmups, default: "scaled")) ?? .scaled)
        try check(schedule, reader)
        return schedule
    }

    private static func check(_ schedule: Schedule, _ reader: Reader) throws(Fault) {
        let milestones = schedule.milestones
        let ascend = zip(milestones, milestones.dropFirst()).allSatisfy { $0 < $1 } && milestones.allSatisfy { $0 >= 0 }
        guard ascend else {
            throw Fault(
                .usage, reader.place("schedule.milestones"), "\(milestones) do not ascend from 0 or more",
                mend: "write epochs in ascending order")
        }
        switch schedule.kind {
        case .multiStep where milestones.isEmpty:
            throw Fault(
                .usage, reader.place("schedule.milestones"), "is empty, and schedule.kind is multi-step",
                mend: "write the epochs at which the rate falls by schedule.gamma")
        case .relativeSteps where milestones.first != 0 || milestones.count != schedule.factors.count:
            throw Fault(
                .usage, reader.place("schedule.milestones"),
                "\(milestones) with schedule.factors \(schedule.factors): relative-steps takes as many of both, the first "
                    + "milestone 0", mend: "write for example milestones = [0, 94, 154] and factors = [1, 0.1, 0.01]")
        case .relativeSteps where !schedule.factors.allSatisfy({ $0 >= 0 && $0 <= 1000 }):
            throw Fault(
                .usage, reader.place("schedule.factors"), "\(schedule.factors) are not all in 0 to 1000",
                mend: "write factors of optimizer.learning_rate")
        case .cosine
        where schedule.cosineAfterWarmup && schedule.epochs > 0 && schedule.steps == 0
            && schedule.warmupEpochs >= schedule.epochs:
            throw Fault(
                .usage, reader.place("schedule.cosine_after_warmup"),
                "the warm-up of \(schedule.warmupEpochs) epochs leaves nothing of \(schedule.epochs) to the cosine",
                mend: "shorten schedule.warmup_epochs")
        default: break
        }
    }

    static func rates(_ reader: inout Reader) throws(Fault) -> [Optimizer.RateMultiplier] {
        let pairs = try reader.pairs("optimizer.rates", default: [])
        for (pattern, factor) in pairs where !(factor > 0 && factor <= 1e6) {
            throw Fault(
                .usage, reader.place("optimizer.rates"),
                "'\(pattern)' has the factor \(factor), not one in (0, 1000000]",
                mend: factor == 0 ? "write it into optimizer.freeze" : "choose a factor within")
        }
        return pairs.map { Optimizer.RateMultiplier(pattern: $0.0, factor: $0.1) }
    }
}

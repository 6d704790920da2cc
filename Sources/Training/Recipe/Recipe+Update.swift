extension Recipe {
    /// The learning rate of each step over a data set of `clips` clips; with multigrid, by clips drawn.
    public func learningRate(dataSetClips clips: Int) -> LearningRate {
        let epoch = clipsPerEpoch(dataSetClips: clips)
        guard let multigrid else {
            return learningRate(
                kind, steps: steps(dataSetClips: clips), stepsPerEpoch: Double(epoch) / Double(batch.clips))
        }
        let cycles = MultigridCycles(multigrid, self)
        var kind = kind
        if multigrid.longCycle {
            let rates = cycles.rates
            kind = .relativeSteps(milestones: rates.milestones, factors: rates.factors)
        } else if case .relativeSteps(let milestones, let factors) = kind {
            kind = .relativeSteps(
                milestones: milestones.map { ($0 * multigrid.epochFactor).rounded(.towardZero) }, factors: factors)
        }
        return learningRate(kind, steps: (cycles.phases.last?.end ?? 0) * epoch, stepsPerEpoch: Double(epoch))
    }

    private func learningRate(_ kind: LearningRate.Kind, steps: Int, stepsPerEpoch: Double) -> LearningRate {
        LearningRate(
            highest: optimizer.learningRate, kind: kind, steps: steps, stepsPerEpoch: stepsPerEpoch,
            warmupEpochs: schedule.warmupEpochs, warmupFrom: schedule.warmupFrom, warmup: schedule.warmup)
    }

    private var kind: LearningRate.Kind {
        switch schedule.kind {
        case .steps: .steps(every: schedule.stepEpochs, gamma: schedule.gamma)
        case .multiStep: .multiStep(milestones: schedule.milestones, gamma: schedule.gamma)
        case .relativeSteps: .relativeSteps(milestones: schedule.milestones, factors: schedule.factors)
        case .cosine: .cosine(end: schedule.endRate, afterWarmup: schedule.cosineAfterWarmup)
        case .constant: .constant
        }
    }

    /// How a chunk is updated.
    public var update: OptimizerSettings {
        let method: OptimizerSettings.Method =
            switch optimizer.kind {
            case .sgd:
                .sgd(
                    SGDSettings(
                        momentum: Float(optimizer.momentum), nesterov: optimizer.nesterov,
                        convention: optimizer.rateInMomentum ? .rateInMomentum : .rateOutside))
            case .adam, .adamw:
                .adam(
                    AdamSettings(
                        betas: SIMD2(optimizer.betas[0], optimizer.betas[1]), epsilon: Float(optimizer.epsilon),
                        isDecoupled: optimizer.kind == .adamw))
            }
        return OptimizerSettings(
            method, clipValue: Float(optimizer.clipValue), averageDecay: optimizer.average)
    }

    /// How fast a parameter of that role decays: `weight`, `bias`, or a batch norm's `scale` or `shift`.
    public func weightDecay(role: String) -> Float {
        if optimizer.batchNormWeightDecay >= 0, role == "scale" || role == "shift" {
            return Float(optimizer.batchNormWeightDecay)
        }
        return optimizer.weightDecayOn.contains(role) ? Float(optimizer.weightDecay) : 0
    }
}

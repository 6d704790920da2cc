extension Recipe {
    /// The learning rate of each step over a data set of `clips` clips.
    public func learningRate(dataSetClips clips: Int) -> LearningRate {
        let kind: LearningRate.Kind =
            switch schedule.kind {
            case .steps: .steps(every: schedule.stepEpochs, gamma: schedule.gamma)
            case .cosine: .cosine
            case .constant: .constant
            }
        return LearningRate(
            highest: optimizer.learningRate, kind: kind, steps: steps(dataSetClips: clips),
            stepsPerEpoch: Double(clipsPerEpoch(dataSetClips: clips)) / Double(batch.clips),
            warmupEpochs: schedule.warmupEpochs, warmupFrom: schedule.warmupFrom)
    }

    /// How a chunk is updated.
    public var update: SGDSettings {
        SGDSettings(
            momentum: Float(optimizer.momentum), nesterov: optimizer.nesterov,
            convention: optimizer.rateInMomentum ? .rateInMomentum : .rateOutside,
            weightDecay: Float(optimizer.weightDecay))
    }
}

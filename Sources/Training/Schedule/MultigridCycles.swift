/// Multigrid training: clips with fewer frames and pixels, and more of them, in turn with whole ones (Wu, Girshick, He,
/// Feichtenhofer, Krähenbühl, "A Multigrid Method for Efficiently Training Video Models", CVPR 2020).
///
/// Which shape is when, and how long, is counted as PySlowFast counts it (`slowfast/utils/multigrid.py`,
/// `slowfast/datasets/multigrid_helper.py`), its roundings included: halves to even.
struct MultigridCycles {
    /// One shape of the long cycle, from the end of the phase before.
    struct Phase: Equatable {
        /// Epochs from the run's first step to the phase's end, whole.
        var end: Int
        /// Times the clips of a step of whole clips.
        var batchFactor: Int
        var frames: Int
        var crop: Int
    }

    let multigrid: Recipe.Multigrid
    /// Of a whole clip.
    let frames: Int
    let crop: Int
    let schedule: Recipe.Schedule

    init(_ multigrid: Recipe.Multigrid, _ recipe: Recipe) {
        self.multigrid = multigrid
        frames = recipe.input.frames
        crop = recipe.input.crop
        schedule = recipe.schedule
    }

    // MARK: - The long cycle

    /// The shapes of the long cycle, each with the batch factor of a step of it.
    var longShapes: [(batchFactor: Int, frames: Int, crop: Int)] {
        guard multigrid.longCycle else { return [(1, frames, crop)] }
        return zip(multigrid.longFrames, multigrid.longCrops).map { frameFactor, cropFactor in
            let t = even(Double(frames) * frameFactor)
            let s = even(Double(crop) * cropFactor)
            return (batchFactor(t, Double(s)), t, s)
        }
    }

    /// How many clips of t × s × s are a whole one.
    private func batchFactor(_ t: Int, _ s: Double) -> Int {
        even(Double(frames * crop * crop) / (Double(t) * s * s))
    }

    /// The mean of the batch factors over the short cycle, of each shape of the long one.
    private var meanFactors: [Double] {
        longShapes.map { shape in
            guard multigrid.shortCycle else { return Double(shape.batchFactor) }
            let factors =
                multigrid.shortCrops.map { batchFactor(shape.frames, Double(crop) * $0) } + [shape.batchFactor]
            return Double(factors.reduce(0, +)) / Double(factors.count)
        }
    }

    /// The run. Between two milestones the long cycle runs once, each shape for as many steps as any other; behind the last
    /// one only its last shape does. All of it lasts `epochFactor` times the epochs of the schedule.
    var phases: [Phase] {
        let shapes = longShapes
        guard multigrid.longCycle else {
            let (whole, end) = (shapes[0], Int(schedule.epochs * multigrid.epochFactor))
            return [Phase(end: end, batchFactor: 1, frames: whole.frames, crop: whole.crop)]
        }
        let means = meanFactors
        let sum = means.reduce(0, +)
        let milestones = schedule.milestones
        var planned: [(shape: Int, epochs: Double)] = []
        var iterations = 0.0
        for (from, to) in zip(milestones, milestones.dropFirst()) {
            for (index, mean) in means.enumerated() {
                let epochs = (to - from) * mean / sum
                iterations += epochs / mean
                planned.append((index, epochs))
            }
        }
        let last = milestones[milestones.count - 1]
        let saving = last / iterations
        planned.append((shapes.count - 1, (schedule.epochs - last) / saving * means[means.count - 1]))
        let scale = schedule.epochs * multigrid.epochFactor / planned.reduce(0) { $0 + $1.epochs }
        var total = 0.0
        return planned.map { shape, epochs in
            total += epochs * scale
            let (factor, t, s) = shapes[shape]
            return Phase(end: even(total), batchFactor: factor, frames: t, crop: s)
        }
    }

    /// From which epoch on which factor of the highest learning rate counts, in the long cycle: that of the schedule times the
    /// batch factor. The last factor begins in the middle of the last phase.
    var rates: (milestones: [Double], factors: [Double]) {
        let phases = phases
        let ends = phases.map(\.end)
        let perMilestone = longShapes.count
        let factors = phases.enumerated().map { index, phase in
            schedule.factors[index / perMilestone] * Double(phase.batchFactor)
        }
        let last = ends.count - 1
        let middle = (ends[last - 1] + ends[last]) / 2
        return (
            ([0] + ends[..<last] + [middle]).map(Double.init),
            Array(factors[..<last]) + [factors[last - 1], factors[last]]
        )
    }

    // MARK: - The short cycle

    /// The batches that the steps of a shape take in turn.
    /// - Parameters:
    ///   - clipsPerGroup: of a batch-norm group of whole clips.
    ///   - samplingRate: of a whole clip. Fewer frames lie as close together, or as far apart as cover the same time, or
    ///     anything between.
    func cycle(
        batchFactor: Int, frames t: Int, crop s: Int, clipsPerGroup: Int, samplingRate: Int
    ) -> [StepBatch] {
        let rates = samplingRate...samplingRate * max(1, frames / t)
        func batch(_ factor: Int, _ side: Int) -> StepBatch {
            StepBatch(
                groups: batchFactor, clipsPerGroup: clipsPerGroup * factor,
                clip: ClipShape(frames: t, crop: side, samplingRates: rates))
        }
        guard multigrid.shortCycle else { return [batch(1, s)] }
        return shortFactors(s).map { batch($0.factor, $0.crop) } + [batch(1, s)]
    }

    /// The small shapes of the short cycle, and how many times the clips a step of them has, beside crops of `s`.
    func shortFactors(_ s: Int) -> [(factor: Int, crop: Int)] {
        multigrid.shortCrops.map { share in
            let side = share * Double(crop)
            let ratio = Double(s) / side
            return (even(ratio * ratio), even(side))
        }
    }

    /// What is far too large stays so: checks come later.
    private func even(_ value: Double) -> Int { Int(min(1e15, value.rounded(.toNearestOrEven))) }
}

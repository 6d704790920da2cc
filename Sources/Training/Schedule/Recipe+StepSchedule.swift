/// What a recipe says of its steps.
extension Recipe {
    /// The shapes of a run's clips, the whole one first: what a network must take.
    public var clipShapes: [ClipShape] {
        let whole = ClipShape(
            frames: input.frames, crop: input.crop, samplingRates: input.samplingRate...input.samplingRate)
        guard let multigrid else { return [whole] }
        let cycles = MultigridCycles(multigrid, self)
        return cycles.longShapes.flatMap { factor, frames, crop in
            cycles.cycle(
                batchFactor: factor, frames: frames, crop: crop, clipsPerGroup: batch.clipsPerUnit,
                samplingRate: input.samplingRate)
        }.reduce(into: [whole]) { known, batch in
            if !known.contains(batch.clip) { known.append(batch.clip) }
        }
    }

    /// What each step of the run draws from a data set of `clips` clips.
    public func stepSchedule(dataSetClips clips: Int) -> StepSchedule {
        let rate = learningRate(dataSetClips: clips)
        guard let multigrid else {
            return StepSchedule(
                units: batch.units, clipsPerUnit: batch.clipsPerUnit, steps: rate.steps, rate: rate,
                clip: clipShapes[0])
        }
        let cycles = MultigridCycles(multigrid, self)
        let epoch = UInt64(max(1, clipsPerEpoch(dataSetClips: clips)))
        return StepSchedule(
            units: batch.units,
            phases: cycles.phases.map { phase in
                (
                    end: UInt64(phase.end) * epoch,
                    cycle: cycles.cycle(
                        batchFactor: phase.batchFactor, frames: phase.frames, crop: phase.crop,
                        clipsPerGroup: batch.clipsPerUnit, samplingRate: input.samplingRate)
                )
            }, rate: rate)
    }
}

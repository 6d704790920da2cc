import Configuration
import Faults

/// `[multigrid]`.
extension Recipe {
    public struct Multigrid: Sendable, Equatable {
        /// Between two milestones of the learning rate the clips grow from the first shape to the last.
        public var longCycle: Bool
        /// Of every three steps two have smaller clips.
        public var shortCycle: Bool
        /// Shares of `input.frames` and of `input.crop`, one of each for every shape of the long cycle.
        public var longFrames: [Double]
        public var longCrops: [Double]
        /// Shares of `input.crop`: two, those of the first and the second of three steps.
        public var shortCrops: [Double]
        /// Times the epochs of the schedule: the length of the run.
        public var epochFactor: Double
        /// Validations of each phase of the long cycle, about; 0: `validation.everyEpochs` decides.
        public var validations: Int
    }

    /// - Returns: `nil` when neither cycle is on.
    static func multigrid(_ reader: inout Reader) throws(Fault) -> Multigrid? {
        let root = 0.5.squareRoot()
        // All keys are read, on or off, so that a command line may turn off what a recipe's file turns on.
        let multigrid = Multigrid(
            longCycle: try reader.boolean("multigrid.long_cycle", default: false),
            shortCycle: try reader.boolean("multigrid.short_cycle", default: false),
            longFrames: try shares("multigrid.long_frames", default: [0.25, 0.5, 0.5, 1], count: 1...64, &reader),
            longCrops: try shares("multigrid.long_crops", default: [root, root, 1, 1], count: 1...64, &reader),
            shortCrops: try shares("multigrid.short_crops", default: [0.5, root], count: 2...2, &reader),
            epochFactor: try reader.real("multigrid.epoch_factor", default: 1.5, in: 0.01...100),
            validations: try reader.integer("multigrid.validations", default: 3, in: 0...1000))
        guard multigrid.longFrames.count == multigrid.longCrops.count else {
            throw Fault(
                .usage, reader.place("multigrid.long_crops"),
                "has \(multigrid.longCrops.count) shares, and multigrid.long_frames \(multigrid.longFrames.count)",
                mend: "write one of each for every shape")
        }
        return multigrid.longCycle || multigrid.shortCycle ? multigrid : nil
    }

    private static func shares(
        _ key: String, default standard: [Double], count: ClosedRange<Int>, _ reader: inout Reader
    ) throws(Fault) -> [Double] {
        let shares = try reader.reals(key, default: standard, count: count)
        guard shares.allSatisfy({ $0 >= 0.001 && $0 <= 1 }) else {
            throw Fault(
                .usage, reader.place(key), "\(shares) are not all in 0.001 to 1",
                mend: "write shares of a whole clip")
        }
        return shares
    }

    /// What multigrid does not go together with, and shapes that are none.
    func checkMultigrid(_ reader: Reader) throws(Fault) {
        guard let multigrid else { return }
        func refuse(_ key: String, _ reason: String, _ mend: String) throws(Fault) {
            throw Fault(.usage, reader.place(key), reason, mend: mend)
        }
        if schedule.steps > 0 {
            try refuse("schedule.steps", "is set, and multigrid counts in epochs", "set schedule.epochs instead")
        }
        if augment.repeats > 1 {
            try refuse(
                "augment.repeats", "\(augment.repeats) draws of one video would not all have the shape of one step",
                "set it to 1, or take [multigrid] out")
        }
        if case .shortEdgeRange = input.resize {
        } else if augment.cropArea.isEmpty {
            try refuse(
                "input.resize", "multigrid scales frames with their crops, which is defined for a range of short edges",
                "set input.resize = \"short-edge-range\", or a random resized crop")
        }
        if multigrid.longCycle {
            try checkLongCycle(reader)
        } else if schedule.kind == .steps || schedule.kind == .multiStep {
            try refuse(
                "schedule.kind", "\(schedule.kind.rawValue) is not stretched by multigrid.epoch_factor",
                "choose cosine, relative-steps or constant")
        }
        try checkShapes(multigrid, reader)
    }

    private func checkLongCycle(_ reader: Reader) throws(Fault) {
        guard schedule.kind == .relativeSteps, schedule.milestones.count >= 2 else {
            throw Fault(
                .usage, reader.place("schedule.kind"),
                "\(schedule.kind.rawValue) with \(schedule.milestones.count) milestones: the long cycle runs once between two "
                    + "milestones of relative-steps",
                mend:
                    "write for example schedule.kind = \"relative-steps\" with milestones = [0, 94, 154, 196] and factors "
                    + "= [1, 0.1, 0.01, 0.001], or set multigrid.long_cycle = false")
        }
        guard schedule.milestones.last ?? 0 < schedule.epochs else {
            throw Fault(
                .usage, reader.place("schedule.milestones"),
                "\(schedule.milestones) leave nothing of \(schedule.epochs) epochs to the last shape alone",
                mend: "raise schedule.epochs")
        }
    }

    private func checkShapes(_ multigrid: Multigrid, _ reader: Reader) throws(Fault) {
        let cycles = MultigridCycles(multigrid, self)
        for (factor, frames, crop) in cycles.longShapes where frames < 1 || crop < 8 || factor < 1 {
            throw Fault(
                .usage, reader.place("multigrid.long_crops"),
                "a shape of the long cycle has \(frames) frames of \(crop) pixels",
                mend: "choose larger shares: a clip has 1 frame and 8 pixels or more")
        }
        guard cycles.phases.last?.end ?? 0 > 0 else {
            throw Fault(
                .usage, reader.place("multigrid.epoch_factor"),
                "\(schedule.epochs) epochs times \(multigrid.epochFactor) are no whole epoch", mend: "raise one of them"
            )
        }
        guard cycles.phases.last?.end ?? 0 <= 1_000_000 else {
            throw Fault(
                .usage, reader.place("schedule.epochs"),
                "\(schedule.epochs) epochs times \(multigrid.epochFactor) are more than a million",
                mend: "lower one of them")
        }
        for shape in cycles.longShapes where multigrid.shortCycle {
            for (factor, crop) in cycles.shortFactors(shape.crop) where factor < 1 || crop < 8 {
                throw Fault(
                    .usage, reader.place("multigrid.short_crops"),
                    "a step of clips of \(crop) pixels would have \(factor) times the clips of one of \(shape.crop) pixels",
                    mend:
                        "choose shares of input.crop, \(input.crop), that are no larger than those of multigrid.long_crops "
                        + "and leave 8 pixels or more")
            }
        }
        let most =
            cycles.longShapes.flatMap { factor, frames, crop in
                cycles.cycle(
                    batchFactor: factor, frames: frames, crop: crop, clipsPerGroup: batch.clipsPerUnit,
                    samplingRate: input.samplingRate)
            }.map(\.clipsPerUnit).max() ?? 0
        guard most <= 1 << 20 else {
            throw Fault(
                .usage, reader.place("batch.clips_per_unit"), "a unit of the smallest clips would have \(most) of them",
                mend: "lower it, or raise the shares of [multigrid]")
        }
    }
}

import Configuration
import Faults
import TestSupport
import Testing
import Training

/// The tables were worked out by a program of another language, from the words of PySlowFast's `utils/multigrid.py`,
/// `datasets/multigrid_helper.py` and `utils/lr_policy.py`.
@Suite struct MultigridTests {
    /// What configs/Kinetics/SLOWFAST_8x8_R50_stepwise_multigrid.yaml says.
    private static let published = [
        "input.frames=32", "input.sampling_rate=2", "input.crop=224", "input.resize=short-edge-range",
        "input.short_edge_range=[256, 320]", "batch.units=8", "batch.clips_per_unit=8", "optimizer.learning_rate=0.1",
        "schedule.kind=relative-steps", "schedule.epochs=239", "schedule.milestones=[0, 94, 154, 196]",
        "schedule.factors=[1, 0.1, 0.01, 0.001]", "schedule.warmup_epochs=0", "multigrid.long_cycle=true",
        "multigrid.short_cycle=true",
    ]

    /// Four units of two clips of 8x28x28; an epoch has 150 clips.
    private static let small = [
        "input.crop=28", "input.resize=short-edge-range", "input.short_edge_range=[28, 36]", "batch.units=4",
        "batch.clips_per_unit=2", "optimizer.learning_rate=1", "schedule.kind=relative-steps", "schedule.epochs=8",
        "schedule.milestones=[0, 4, 6]", "schedule.factors=[1, 0.1, 0.01]", "schedule.warmup_epochs=0",
        "schedule.clips_per_epoch=150", "multigrid.long_cycle=true", "multigrid.short_cycle=true",
    ]

    private static func read(_ assignments: [String]) throws -> Recipe.Resolved {
        let path = sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml"
        var document = try Document(toml: try text(of: path), name: path)
        for assignment in assignments { try document.set(assignment) }
        return try Recipe.read(document)
    }

    @Test func phasesOfThePublishedScheduleAreThoseOfPySlowFast() throws {
        let schedule = try Self.read(Self.published).recipe.stepSchedule(dataSetClips: 240_000)
        // Ends in epochs, clips of a step times 64, frames, pixels of the largest crop.
        let wanted: [(end: Int, batch: Int, frames: Int, crop: Int)] = [
            (73, 8, 8, 158), (110, 4, 16, 158), (142, 2, 16, 224), (158, 1, 32, 224),
            (205, 8, 8, 158), (228, 4, 16, 158), (248, 2, 16, 224), (259, 1, 32, 224),
            (291, 8, 8, 158), (308, 4, 16, 158), (322, 2, 16, 224), (329, 1, 32, 224),
            (358, 1, 32, 224),
        ]
        #expect(schedule.phases.count == wanted.count)
        for (index, (phase, row)) in zip(schedule.phases, wanted).enumerated() {
            let whole = phase.cycle[2]
            #expect(phase.cycle.count == 3)
            #expect((whole.clip.frames, whole.clip.crop) == (row.frames, row.crop), "phase \(index)")
            #expect(whole.groups == row.batch && phase.cycle.allSatisfy { $0.groups == row.batch }, "phase \(index)")
            #expect(whole.clipsPerGroup == 8)
            #expect(phase.cycle.map(\.clip.crop) == [112, 158, row.crop], "phase \(index)")
            #expect(
                phase.cycle.map(\.clipsPerGroup) == (row.crop == 158 ? [16, 8, 8] : [32, 16, 8]), "phase \(index)")
            // Frames as close together as in a whole clip, up to as far apart as cover its time.
            #expect(whole.clip.samplingRates == 2...2 * 32 / row.frames, "phase \(index)")
            // The phase before ended with the first step at or behind its end.
            guard index > 0 else { continue }
            let due = UInt64(wanted[index - 1].end * 240_000)
            #expect(phase.firstPosition >= due && phase.firstPosition < due + 2048, "phase \(index)")
        }
        #expect(schedule.steps == 261_859)
        let last = schedule.firstPosition(ofStep: schedule.steps)
        #expect(last >= 358 * 240_000 && last < 358 * 240_000 + 256)
    }

    /// First position, clips, frames, crop, groups, clips of a group, and the rate.
    private static let steps: [(Int, Int, Int, Int, Int, Int, Double)] = [
        (0, 128, 2, 14, 8, 4, 8), (128, 64, 2, 20, 8, 2, 8), (192, 64, 2, 20, 8, 2, 8), (256, 128, 2, 14, 8, 4, 8),
        (384, 64, 2, 20, 8, 2, 8), (448, 64, 2, 20, 8, 2, 8), (512, 64, 4, 14, 4, 4, 4), (576, 32, 4, 20, 4, 2, 4),
        (608, 32, 4, 20, 4, 2, 4), (640, 64, 4, 14, 4, 4, 4), (704, 32, 4, 20, 4, 2, 4), (736, 32, 4, 20, 4, 2, 4),
        (768, 64, 4, 14, 2, 8, 2), (832, 32, 4, 20, 2, 4, 2), (864, 16, 4, 28, 2, 2, 2), (880, 64, 4, 14, 2, 8, 2),
        (944, 32, 8, 14, 1, 8, 1), (976, 16, 8, 20, 1, 4, 1), (992, 8, 8, 28, 1, 2, 1), (1000, 32, 8, 14, 1, 8, 1),
        (1032, 16, 8, 20, 1, 4, 1), (1048, 8, 8, 28, 1, 2, 1), (1056, 128, 2, 14, 8, 4, 0.8),
        (1184, 64, 2, 20, 8, 2, 0.8), (1248, 64, 2, 20, 8, 2, 0.8), (1312, 128, 2, 14, 8, 4, 0.8),
        (1440, 64, 4, 14, 2, 8, 0.2), (1504, 32, 8, 14, 1, 8, 0.1), (1536, 16, 8, 20, 1, 4, 0.1),
        (1552, 8, 8, 28, 1, 2, 0.1), (1560, 32, 8, 14, 1, 8, 0.1), (1592, 16, 8, 20, 1, 4, 0.1),
        (1608, 8, 8, 28, 1, 2, 0.1), (1616, 32, 8, 14, 1, 8, 0.1), (1648, 16, 8, 20, 1, 4, 0.1),
        (1664, 32, 8, 14, 1, 8, 0.01), (1696, 16, 8, 20, 1, 4, 0.01), (1712, 8, 8, 28, 1, 2, 0.01),
        (1720, 32, 8, 14, 1, 8, 0.01), (1752, 16, 8, 20, 1, 4, 0.01), (1768, 8, 8, 28, 1, 2, 0.01),
        (1776, 32, 8, 14, 1, 8, 0.01),
    ]

    @Test func everyStepOfAShortRunIsThatOfTheTable() throws {
        let schedule = try Self.read(Self.small).recipe.stepSchedule(dataSetClips: 16)
        #expect(schedule.steps == Self.steps.count)
        for (step, row) in Self.steps.enumerated() {
            let batch = schedule.batch(step)
            #expect(schedule.firstPosition(ofStep: step) == UInt64(row.0), "step \(step)")
            #expect(schedule.clips(ofStep: step) == row.1, "step \(step)")
            #expect((batch.clip.frames, batch.clip.crop) == (row.2, row.3), "step \(step)")
            #expect((batch.groups, batch.clipsPerGroup) == (row.4, row.5), "step \(step)")
            #expect(abs(Double(schedule.rate(step)) - row.6) < 1e-6 * row.6, "step \(step)")
            #expect(schedule.positions(step: step, unit: 3).upperBound == UInt64(row.0 + row.1), "step \(step)")
            // And back again.
            for position in row.0..<row.0 + row.1 { #expect(schedule.step(at: UInt64(position)) == step) }
        }
        // Somebody looks a step ahead of the last one.
        #expect(schedule.positions(step: schedule.steps, unit: 0).lowerBound == 1808)
    }

    @Test func theLongCycleAloneHasOneShapeAPhase() throws {
        let recipe = try Self.read(Self.small + ["multigrid.short_cycle=false"]).recipe
        let schedule = recipe.stepSchedule(dataSetClips: 16)
        #expect(schedule.steps == 63)
        #expect(schedule.phases.map(\.firstStep) == [0, 10, 19, 27, 32, 36, 46])
        #expect(schedule.phases.map { $0.cycle.map(\.clipsPerUnit) } == [[16], [8], [4], [16], [8], [4], [2]])
        // The phase of whole clips between 7 and 7 epochs has no step; its rate has none either.
        let rates = [0, 9, 10, 18, 19, 26, 27, 32, 36, 45, 46, 62].map { Double(schedule.rate($0)) }
        for (rate, wanted) in zip(rates, [8, 8, 4, 4, 2, 2, 0.8, 0.4, 0.2, 0.2, 0.01, 0.01]) {
            #expect(abs(rate - wanted) < 1e-6)
        }
    }

    @Test func theShortCycleAloneStretchesTheSchedule() throws {
        let recipe = try Self.read(Self.small + ["multigrid.long_cycle=false", "multigrid.epoch_factor=1.3"]).recipe
        let schedule = recipe.stepSchedule(dataSetClips: 16)
        // int(8 x 1.3) epochs of 150 clips, 32 + 16 + 8 clips in every three steps; milestones at int(4 x 1.3), int(6 x 1.3).
        #expect((0..<6).map(schedule.clips(ofStep:)) == [32, 16, 8, 32, 16, 8])
        #expect(
            (0..<3).map { schedule.batch($0).clip }
                == [14, 20, 28].map {
                    ClipShape(frames: 8, crop: $0, samplingRates: 1...1)
                })
        #expect(schedule.steps == 3 * 26 + 2)
        let milestones = [5, 7].map { schedule.step(at: UInt64($0 * 150)) }
        #expect(milestones.map { schedule.rate($0) } == [1, 0.1])
        #expect(milestones.map { schedule.rate($0 + 1) } == [0.1, 0.01])

        let cosine = try Self.read(
            Self.small + ["multigrid.long_cycle=false", "schedule.kind=cosine", "schedule.warmup_epochs=0"]
        ).recipe.stepSchedule(dataSetClips: 16)
        // Half of 12 epochs of 150 clips.
        let half = cosine.step(at: 896)
        #expect(cosine.firstPosition(ofStep: half) == 896)
        let progress = 896.0 / 1800
        #expect(abs(Double(cosine.rate(half)) - (1 + cos(progress)) / 2) < 1e-6)
    }

    /// cos(π x), by its Taylor series.
    private func cos(_ x: Double) -> Double {
        var (sum, term) = (1.0, 1.0)
        for k in 1...20 {
            term *= -(Double.pi * x) * (Double.pi * x) / Double((2 * k - 1) * 2 * k)
            sum += term
        }
        return sum
    }

    @Test func withoutItNothingChanges() throws {
        let recipe = try Self.read([]).recipe
        #expect(recipe.multigrid == nil)
        let schedule = recipe.stepSchedule(dataSetClips: 33)
        let rate = recipe.learningRate(dataSetClips: 33)
        #expect(schedule.steps == recipe.steps(dataSetClips: 33) && schedule.phases.count == 1)
        for step in 0..<schedule.steps {
            #expect(schedule.firstPosition(ofStep: step) == UInt64(16 * step))
            #expect(schedule.positions(step: step, unit: 1) == UInt64(16 * step + 4)..<UInt64(16 * step + 8))
            #expect(schedule.rate(step) == rate(step))
        }
        // Keys of a cycle that is off decide nothing.
        #expect(try Self.read(["multigrid.epoch_factor=3", "multigrid.short_crops=[0.1, 0.2]"]).recipe == recipe)
        #expect(try Self.read(Self.small).recipe != recipe)
    }

    @Test func theResolvedTextGivesTheSameRecipe() throws {
        let resolved = try Self.read(Self.small)
        let again = try Recipe.read(try Document(toml: resolved.toml, name: "recipe.toml"))
        #expect(again.recipe == resolved.recipe && again.recipe.multigrid != nil)
    }

    /// PySlowFast's `is_eval_epoch` with EVAL_FREQ 3: of each phase the last epoch, and every third of it before.
    @Test func validationsAreCountedBackwardsFromThePhasesEnds() throws {
        let recipe = try Self.read(Self.published + ["validation.every_epochs=10"]).recipe
        var epochs: [Int] = []
        for epoch in 1...358
        where recipe.validationsDue(at: Double(epoch)) > recipe.validationsDue(at: Double(epoch) - 1) {
            epochs.append(epoch)
        }
        #expect(Array(epochs.prefix(9)) == [23, 48, 73, 84, 97, 110, 120, 131, 142])
        #expect(epochs.last == 358)
        let every = try Self.read(Self.published + ["validation.every_epochs=10", "multigrid.validations=0"]).recipe
        #expect(every.validationsDue(at: 29.9) == 2)
    }

    @Test(arguments: [
        ("schedule.kind=cosine", "the long cycle runs once between two milestones of relative-steps"),
        ("schedule.steps=9", "multigrid counts in epochs"), ("augment.repeats=2", "augment.repeats"),
        ("input.resize=exact", "set input.resize = \"short-edge-range\""),
        ("multigrid.long_frames=[0.5, 1]", "multigrid.long_crops"),
        ("multigrid.long_crops=[0.1, 1, 1, 1]", "a shape of the long cycle has 2 frames of 3 pixels"),
        ("multigrid.long_crops=[0.3, 0.3, 0.3, 1.5]", "not all in 0.001 to 1"),
        ("multigrid.long_crops=[0.4, 0.7, 1, 1]", "multigrid.short_crops"), ("multigrid.short_crops=[0.5]", "2...2"),
        ("multigrid.epoch_factor=0.01", "no whole epoch"), ("multigrid.long_cycles=true", "multigrid.long_cycle"),
        ("multigrid.long_frames=[0.01, 1, 1, 1]", "has 0 frames"), ("schedule.epochs=1000000", "more than a million"),
        ("multigrid.short_crops=[0.001, 0.5]", "multigrid.short_crops"),
        ("schedule.epochs=6", "leave nothing of 6.0 epochs"),
    ])
    func whatMakesNoSenseIsRefusedByName(assignment: String, words: String) throws {
        let fault = #expect(throws: Fault.self) { try Self.read(Self.small + [assignment]) }
        #expect(
            fault?.code == .usage && "\(fault.map { "\($0)" } ?? "")".contains(words), "\(String(describing: fault))")
    }
}

import Configuration

/// Clips of several shapes in one run.
extension SlowFastRecipe {
    /// Whether the run's clips grow from one milestone of the learning rate to the next.
    var hasLongCycle: Bool { settings.value("MULTIGRID.LONG_CYCLE") == .boolean(true) }
    private var hasShortCycle: Bool { settings.value("MULTIGRID.SHORT_CYCLE") == .boolean(true) }

    mutating func multigrid(trains: Bool) {
        let (isLong, isShort) = (settings.flag("MULTIGRID.LONG_CYCLE"), settings.flag("MULTIGRID.SHORT_CYCLE"))
        guard trains, isLong || isShort else { return }
        put("multigrid.long_cycle", .boolean(isLong), "MULTIGRID.LONG_CYCLE")
        put("multigrid.short_cycle", .boolean(isShort), "MULTIGRID.SHORT_CYCLE")
        put(
            "multigrid.epoch_factor", .real(settings.real("MULTIGRID.EPOCH_FACTOR", in: 0.01...100)),
            "MULTIGRID.EPOCH_FACTOR")
        if samples > 1 {
            settings.refuse("AUG.NUM_SAMPLE", "with MULTIGRID, draws of one video would be of several shapes")
        }
        if isShort { shortCycle() }
        if isLong { longCycle() }
    }

    private mutating func shortCycle() {
        let shares = settings.reals("MULTIGRID.SHORT_CYCLE_FACTORS", count: 2...2, in: 1e-3...1)
        if shares.count == 2 {
            put("multigrid.short_crops", .list(shares.map(Value.real)), "MULTIGRID.SHORT_CYCLE_FACTORS")
        }
        if settings.string("MODEL.MODEL_NAME") == "X3D" {
            settings.refuse("MULTIGRID.SHORT_CYCLE", "PySlowFast's head of X3D takes clips of one size")
        }
    }

    private mutating func longCycle() {
        let key = "MULTIGRID.LONG_CYCLE_FACTORS"
        let pairs = settings.value(key).elements.map { $0.elements.compactMap(\.number) }
        let isSound = !pairs.isEmpty && pairs.allSatisfy { $0.count == 2 && $0.allSatisfy((0.001...1).contains) }
        if isSound {
            put("multigrid.long_frames", .list(pairs.map { .real($0[0]) }), key)
            put("multigrid.long_crops", .list(pairs.map { .real($0[1]) }), key)
        } else {
            settings.refuse(key, "is no list of pairs of numbers in 0.001 to 1")
        }
        put(
            "multigrid.validations", .integer(settings.integer("MULTIGRID.EVAL_FREQ", in: 1...1000)),
            "MULTIGRID.EVAL_FREQ")
        if settings.string("SOLVER.LR_POLICY") != "steps_with_relative_lrs" {
            settings.refuse(
                "MULTIGRID.LONG_CYCLE", "its shapes and rates follow SOLVER.STEPS",
                mend: "set SOLVER.LR_POLICY to steps_with_relative_lrs")
        } else if settings.value("SOLVER.STEPS").elements.count < 2 {
            settings.refuse("SOLVER.STEPS", "has no two milestones for the long cycle to lie between")
        }
    }

    /// PySlowFast's long cycle normalises groups of `BN_BASE_SIZE` clips, whatever the GPUs: it splits the clips of one, or joins
    /// those of several.
    /// - Returns: The clips of a group.
    mutating func groupSize(batch: Int, devices: Int) -> Int {
        let key = "MULTIGRID.BN_BASE_SIZE"
        let (base, one) = (settings.integer(key, in: 1...1024), max(1, batch / devices))
        guard batch % base == 0, one % base == 0 || base % one == 0 else {
            settings.refuse(
                key,
                "neither divides the \(one) clips of a GPU nor is a multiple of them that divides TRAIN.BATCH_SIZE, \(batch)"
            )
            return one
        }
        return base
    }

    /// With the short cycle PySlowFast's head averages the whole map, whatever its size.
    mutating func testHead() {
        if hasShortCycle { put("test.head", .string("linear"), "MULTIGRID.SHORT_CYCLE") }
    }
}

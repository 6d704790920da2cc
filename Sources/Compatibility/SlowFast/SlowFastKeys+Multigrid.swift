/// `MULTIGRID`.
extension SlowFastKey {
    static let multigrid: [SlowFastKey] = [
        .init("MULTIGRID.EPOCH_FACTOR", "1.5", .honoured("`multigrid.epoch_factor`")),
        .init(
            "MULTIGRID.SHORT_CYCLE", "False",
            .honoured(
                "`multigrid.short_cycle`, and `test.head = \"linear\"` in tests, as PySlowFast's head is then; not with X3D, whose head there takes clips of one size"
            )),
        .init(
            "MULTIGRID.SHORT_CYCLE_FACTORS", "[0.5, 0.7071067811865476]", .honoured("`multigrid.short_crops`")),
        .init(
            "MULTIGRID.LONG_CYCLE", "False",
            .honoured(
                "`multigrid.long_cycle`, with `SOLVER.LR_POLICY` `steps_with_relative_lrs` only; without the short cycle too, where PySlowFast stops with an error"
            )),
        .init(
            "MULTIGRID.LONG_CYCLE_FACTORS", "[(0.25, 0.7071067811865476), (0.5, 0.7071067811865476), (0.5, 1), (1, 1)]",
            .honoured("`multigrid.long_frames` and `multigrid.long_crops`")),
        .init(
            "MULTIGRID.BN_BASE_SIZE", "8",
            .honoured(
                "`batch.clips_per_unit` with the long cycle, and as many `batch.units` as `TRAIN.BATCH_SIZE` has of it; of no matter without, as there"
            )),
        .init("MULTIGRID.EVAL_FREQ", "3", .honoured("`multigrid.validations`")),
        .init(
            "MULTIGRID.LONG_CYCLE_SAMPLING_RATE", "0",
            .only("PySlowFast sets it itself, from the frames of a phase", during: .training)),
        .init("MULTIGRID.DEFAULT_B", "0", .immaterial("PySlowFast sets it itself, to `TRAIN.BATCH_SIZE`")),
        .init("MULTIGRID.DEFAULT_T", "0", .immaterial("PySlowFast sets it itself, to `DATA.NUM_FRAMES`")),
        .init(
            "MULTIGRID.DEFAULT_S", "0",
            .only("PySlowFast sets it itself, to `DATA.TRAIN_CROP_SIZE`", during: .training)),
    ]
}

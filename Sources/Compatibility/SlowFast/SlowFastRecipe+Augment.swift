import Configuration

/// What becomes of a clip between its frames and the network.
extension SlowFastRecipe {
    mutating func augment(trains: Bool) {
        if !settings.flag("DATA.RANDOM_FLIP") { put("augment.flip", .real(0), "DATA.RANDOM_FLIP") }
        resizedCrop(trains: trains)
        guard trains else { return }
        put("augment.repeats", .integer(samples), "AUG.NUM_SAMPLE")
        if settings.flag("AUG.ENABLE") { randomAugment() }
        mixup()
    }

    /// Inception's crop, in place of the jitter of the shorter side.
    private mutating func resizedCrop(trains: Bool) {
        let (area, aspect) = ("DATA.TRAIN_JITTER_SCALES_RELATIVE", "DATA.TRAIN_JITTER_ASPECT_RELATIVE")
        let isSquare = settings.value(area).leaves.isEmpty
        guard isSquare == settings.value(aspect).leaves.isEmpty else {
            if trains { settings.refuse(isSquare ? area : aspect, "is empty, and \(isSquare ? aspect : area) is not") }
            return
        }
        guard !isSquare else { return }
        let areas = settings.reals(area, count: 2...2, in: 0.01...1)
        let aspects = settings.reals(aspect, count: 2...2, in: 0.1...10)
        put("augment.crop_area", .list(areas.map(Value.real)), area)
        put("augment.crop_aspect", .list(aspects.map(Value.real)), aspect)
    }

    private mutating func randomAugment() {
        let type = settings.string("AUG.AA_TYPE")
        if !type.isEmpty, !type.hasPrefix("rand-") {
            settings.refuse(
                "AUG.AA_TYPE", "only RandAugment is done here", mend: "write for example rand-m7-n4-mstd0.5-inc1")
        }
        put("augment.rand_augment", .string(type), "AUG.AA_TYPE")
        if settings.string("AUG.INTERPOLATION") != "bilinear", !type.isEmpty {
            settings.refuse(
                "AUG.INTERPOLATION", "shifted pixels are interpolated linearly", mend: "it can only be 'bilinear'")
        }
        let probability = settings.real("AUG.RE_PROB", in: 0...1)
        put("augment.erase_probability", .real(probability), "AUG.RE_PROB")
        let windows = settings.integer("AUG.RE_COUNT", in: 1...100)
        if windows > 1, probability > 0 {
            settings.refuse(
                "AUG.RE_COUNT",
                "of several windows PySlowFast draws the number, and leaves the first of as many parts of the frames alone",
                mend: "it can only be 1")
        }
        put("augment.erase_windows", .integer(windows), "AUG.RE_COUNT")
        if settings.string("AUG.RE_MODE") != "pixel" {
            settings.refuse(
                "AUG.RE_MODE", "windows are filled with noise for each value", mend: "it can only be 'pixel'")
        }
    }

    private mutating func mixup() {
        let isMixed = settings.flag("MIXUP.ENABLE")
        let loss = settings.string("MODEL.LOSS_FUNC")
        // PySlowFast's loss of mixed labels; of whole ones it is the other.
        if !(loss == "cross_entropy" && !isMixed || loss == "soft_cross_entropy") {
            settings.refuse(
                "MODEL.LOSS_FUNC", isMixed ? "mixed clips have mixed labels" : "is not done here",
                mend: "it can only be \(isMixed ? "'soft_cross_entropy'" : "'cross_entropy' or 'soft_cross_entropy'")")
        }
        guard isMixed else { return }
        for (key, own, most) in [
            ("ALPHA", "mixup_alpha", 100.0), ("CUTMIX_ALPHA", "cutmix_alpha", 100), ("PROB", "mix_probability", 1),
            ("SWITCH_PROB", "mix_switch", 1),
        ] {
            put("augment.\(own)", .real(settings.real("MIXUP.\(key)", in: 0...most)), "MIXUP.\(key)")
        }
        let smoothing = settings.real("MIXUP.LABEL_SMOOTH_VALUE", in: 0...0.999)
        put("loss.label_smoothing", .real(smoothing), "MIXUP.LABEL_SMOOTH_VALUE")
    }
}

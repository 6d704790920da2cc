public import Clips
public import Faults
public import Training

extension [Double] {
    /// R, G and B.
    var colour: SIMD3<Float> { SIMD3(Float(self[0]), Float(self[1]), Float(self[2])) }
}

extension Recipe {
    /// How clips are cut from videos.
    /// - Parameter shape: Of a step of multigrid; `nil`: whole clips.
    /// - Throws: `Fault.usage` when the values make no sense together.
    public func clipSettings(_ shape: ClipShape? = nil) throws(Fault) -> ClipSettings {
        let crop = shape?.crop ?? input.crop
        let resize: ClipSettings.Resize =
            switch input.resize {
            case .exact(let width, let height): .exact(width: width, height: height)
            case .shortEdge(let edges): .shortEdge(edges)
            case .shortEdgeRange(let edges, let inverse):
                // The least side goes down with the crop, the most stays (PySlowFast, datasets/kinetics.py): small clips may
                // show as much of the frame as whole ones, or as little.
                .shortEdgeRange(
                    Int(
                        (Double(edges.lowerBound) * Double(crop) / Double(input.crop)).rounded(.toNearestOrEven))...edges
                        .upperBound, inverse: inverse)
            }
        var settings = try ClipSettings(
            frames: shape?.frames ?? input.frames, samplingRate: input.samplingRate, resize: resize, crop: crop,
            flip: Float(augment.flip), freezeFrame: augment.freezeFrame,
            augmentation: try augmentation(), mean: input.mean.colour,
            deviation: input.deviation.colour)
        if let rates = shape?.samplingRates, rates.count > 1 { settings.mostSamplingRate = rates.upperBound }
        return settings
    }

    /// How the clip at a position of the stream is cut.
    public func clipSettings(of schedule: StepSchedule) throws(Fault) -> @Sendable (UInt64) -> ClipSettings {
        var settings: [ClipShape: ClipSettings] = [:]
        for clip in schedule.batches.map(\.clip) { settings[clip] = try clipSettings(clip) }
        let whole = try clipSettings()
        guard settings.count > 1 else {
            let only = settings.values.first ?? whole
            return { _ in only }
        }
        let shaped = settings
        return { shaped[schedule.batch(schedule.step(at: $0)).clip] ?? whole }
    }

    private func augmentation() throws(Fault) -> AugmentationSettings {
        var settings = AugmentationSettings(
            colourJitter: SIMD3(augment.colourJitter[0], augment.colourJitter[1], augment.colourJitter[2]),
            lighting: augment.lighting, repeats: augment.repeats)
        if let (area, aspect) = augment.resizedCropRanges {
            settings.resizedCrop = try AugmentationSettings.ResizedCrop(area: area, aspect: aspect)
        }
        if !augment.randAugment.isEmpty { settings.randAugment = try RandAugment(augment.randAugment) }
        if augment.eraseProbability > 0 {
            settings.erasing = AugmentationSettings.Erasing(
                probability: augment.eraseProbability, windows: augment.eraseWindows,
                fill: AugmentationSettings.Erasing.Fill(rawValue: augment.eraseFill) ?? .noise)
        }
        return settings
    }
}

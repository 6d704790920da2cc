public import Clips
public import Faults
public import Training

extension [Double] {
    /// R, G and B.
    var colour: SIMD3<Float> { SIMD3(Float(self[0]), Float(self[1]), Float(self[2])) }
}

extension Recipe {
    /// How clips are cut from videos.
    /// - Throws: `Fault.usage` when the values make no sense together.
    public func clipSettings() throws(Fault) -> ClipSettings {
        let resize: ClipSettings.Resize =
            switch input.resize {
            case .exact(let width, let height): .exact(width: width, height: height)
            case .shortEdge(let edges): .shortEdge(edges)
            case .shortEdgeRange(let edges, let inverse): .shortEdgeRange(edges, inverse: inverse)
            }
        return try ClipSettings(
            frames: input.frames, samplingRate: input.samplingRate, resize: resize, crop: input.crop,
            flip: Float(augment.flip), freezeFrame: augment.freezeFrame,
            augmentation: try augmentation(), mean: input.mean.colour,
            deviation: input.deviation.colour)
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

public import Clips
public import Faults
public import Training

extension Recipe {
    /// How clips are cut from videos.
    /// - Throws: `Fault.usage` when the values make no sense together.
    public func clipSettings() throws(Fault) -> ClipSettings {
        let resize: ClipSettings.Resize =
            switch input.resize {
            case .exact(let width, let height): .exact(width: width, height: height)
            case .shortEdge(let edges): .shortEdge(edges)
            }
        func colour(_ values: [Double]) -> SIMD3<Float> {
            SIMD3(Float(values[0]), Float(values[1]), Float(values[2]))
        }
        return try ClipSettings(
            frames: input.frames, samplingRate: input.samplingRate, resize: resize, crop: input.crop,
            flip: Float(augment.flip), freezeFrame: augment.freezeFrame, mean: colour(input.mean),
            deviation: colour(input.deviation))
    }
}

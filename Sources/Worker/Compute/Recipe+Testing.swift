public import Clips
public import Faults
public import Models
public import Training

extension Recipe {
    /// How the views of `[test]` are cut from videos.
    /// - Throws: `Fault.usage` when the values make no sense together.
    public func viewSettings() throws(Fault) -> ViewSettings {
        let resize: ViewSettings.Resize =
            switch (test.shortEdge, input.resize) {
            case (0, .exact(let width, let height)): .exact(width: width, height: height)
            case (0, .shortEdge(let edges)): .shortEdge(edges[0])
            case (0, .shortEdgeRange(let edges, _)): .shortEdge(edges.lowerBound)
            case (let edge, _): .shortEdge(edge)
            }
        let starts: ViewSettings.Starts =
            switch test.starts {
            case .vmz: .vmz
            case .slowfast: .slowfast(rate: test.targetRate)
            case .slowfastOffset: .slowfastOffset(rate: test.targetRate)
            case .nonlocal: .nonlocal
            case .dense: .dense(stride: test.stride)
            }
        let geometry: ViewSettings.Geometry =
            switch test.geometry {
            case .vmz: .vmz
            case .slowfast: .slowfast
            case .nonlocal: .nonlocal
            }
        return try ViewSettings(
            frames: input.frames, samplingRate: input.samplingRate, clips: test.clips, starts: starts,
            geometry: geometry, resize: resize,
            region: test.region == .frame
                ? .frame : .crops(test.crops, size: test.crop == 0 ? input.crop : test.crop),
            repeatsShort: test.repeatsShort, freezeFrame: augment.freezeFrame, mean: input.mean.colour,
            deviation: input.deviation.colour)
    }

    /// The network that `[test]` runs on views of `height` rows and `width` columns.
    /// - Throws: `Fault.usage` for a network that has no such head, or does not take such views.
    public func testNetwork(classes: Int, height: Int, width: Int) throws(Fault) -> NetworkDescription {
        var options = networkOptions
        if test.head == .convolutional {
            options.head = .convolutional
            options.trainedCrop = input.crop
        }
        do throws(Fault) {
            return try NetworkDescription(
                named: model.name, classes: classes, frames: input.frames, height: height, width: width,
                options: options
            ).scoring(joint: test.softmax == .joint)
        } catch {
            guard test.head == .convolutional, error.thing == "model.convolutional_head" else { throw error }
            throw Fault(
                .usage, "test.head", "\(model.name) has no convolutional head where it comes from",
                mend: "set test.head = \"linear\", which averages over the whole map")
        }
    }
}

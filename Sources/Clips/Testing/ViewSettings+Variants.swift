public import Faults

extension ViewSettings {
    /// The views that show what a training clip would: with its scale (the first or least of several) and its crop, cut out
    /// of the middle; `clips` of them, spread evenly over the video.
    /// - Throws: a usage `Fault` when there are none.
    public init(_ clip: ClipSettings, uniform clips: Int) throws(Fault) {
        let resize: Resize =
            switch clip.resize {
            case .exact(let width, let height): .exact(width: width, height: height)
            case .shortEdge(let edges): .shortEdge(edges[0])
            case .shortEdgeRange(let edges, _): .shortEdge(edges.lowerBound)
            }
        try self.init(
            frames: clip.frames, samplingRate: clip.samplingRate, clips: clips, resize: resize,
            region: .crops(1, size: clip.crop), repeatsShort: true, freezeFrame: clip.freezeFrame, mean: clip.mean,
            deviation: clip.deviation)
    }

    /// The same views with another number of clips, 1 or more, spread over the video, however short it is.
    public func spread(clips: Int) -> ViewSettings {
        precondition(clips >= 1, "\(clips) clips")
        var settings = self
        settings.clips = clips
        settings.repeatsShort = true
        switch starts {
        case .dense, .sliding, .listed: settings.starts = .vmz
        case .vmz, .slowfast, .slowfastOffset, .nonlocal: break
        }
        return settings
    }

    /// The same views of a window that moves on by `stride` frames, 1 or more, until it ends with the video.
    public func sliding(stride: Int) -> ViewSettings {
        precondition(stride >= 1, "a clip every \(stride) frames")
        var settings = self
        (settings.clips, settings.starts, settings.repeatsShort) = (0, .sliding(stride: stride), true)
        return settings
    }

    /// The same views of one clip, from the start frame of the list.
    public var listed: ViewSettings {
        var settings = self
        (settings.clips, settings.starts, settings.repeatsShort) = (1, .listed, true)
        return settings
    }

    /// The same clips, each with one square of `size` pixels out of its middle.
    /// - Throws: a usage `Fault` when frames are smaller than that.
    public func middle(size: Int) throws(Fault) -> ViewSettings {
        try ViewSettings(
            frames: frames, samplingRate: samplingRate, clips: clips, starts: starts, geometry: geometry,
            resize: resize, region: .crops(1, size: size), repeatsShort: repeatsShort, freezeFrame: freezeFrame,
            mean: mean, deviation: deviation)
    }
}

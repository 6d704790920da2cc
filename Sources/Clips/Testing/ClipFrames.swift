/// The frames of the clips of a test: for each clip, for each of its T frames, the number of the source frame.
///
/// Arithmetic is that of the origins, f32 where they use it: the frames are theirs, to the number.
enum ClipFrames {
    /// The clips of `video`, which has a frame or more; none where VMZ's rules leave none.
    static func clips(_ settings: ViewSettings, _ video: VideoFacts) -> [[Int]] {
        let clips = starting(settings, video)
        return settings.freezeFrame
            ? clips.map { [Int](repeating: $0[0], count: settings.frames) } : clips
    }

    private static func starting(_ settings: ViewSettings, _ video: VideoFacts) -> [[Int]] {
        let n = video.frameCount
        switch settings.starts {
        case .vmz:
            // Caffe2's decoder stops there.
            let n = min(n, 10_000)
            guard n >= settings.span || settings.repeatsShort else { return [] }
            let room = max(0, n - settings.span)
            let step = settings.clips > 1 ? Float(room) / Float(settings.clips - 1) : 0
            return (0..<settings.clips).map { i in
                running(from: Int((Float(i) * step).rounded(.down)), settings, of: n)
            }
        case .dense(let stride), .sliding(let stride):
            guard n >= settings.span || settings.repeatsShort else { return [] }
            let room = max(0, n - settings.span)
            var all = Array(Swift.stride(from: 0, through: room, by: stride))
            if case .sliding = settings.starts, all.last != room { all.append(room) }
            return (settings.clips == 0 ? all[...] : all.prefix(settings.clips)).map {
                running(from: $0, settings, of: n)
            }
        case .listed:
            guard let start = video.listedStart else { return [] }
            return [running(from: min(start, n - 1), settings, of: n)]
        case .nonlocal:
            let gap = Float(n) / Float(settings.clips)
            return (0..<settings.clips).map { i in running(from: Int(gap * Float(i)) % n, settings, of: n) }
        case .slowfast(let rate):
            return (0..<settings.clips).map { slowfast($0, settings, video, targetRate: rate, offset: false) }
        case .slowfastOffset(let rate):
            return (0..<settings.clips).map { slowfast($0, settings, video, targetRate: rate, offset: true) }
        }
    }

    /// Every `samplingRate`-th frame; past the end, the first again.
    private static func running(from start: Int, _ settings: ViewSettings, of n: Int) -> [Int] {
        (0..<settings.frames).map { (start + $0 * settings.samplingRate) % n }
    }

    /// PySlowFast decodes the frames between two time stamps, or all of them where the container does not say how long the
    /// video lasts or it is not longer than the clip, and spreads the T frames evenly over those of the clip.
    private static func slowfast(
        _ clip: Int, _ settings: ViewSettings, _ video: VideoFacts, targetRate: Double, offset: Bool
    ) -> [Int] {
        let rate = video.rate > 0 ? video.rate : targetRate
        let size = max(1, Double(settings.samplingRate * settings.frames) / targetRate * rate)
        let claimed = rate * video.seconds
        if let timestamps = video.timestamps, video.rate > 0, video.ticks > 0, video.seconds > 0,
            claimed > Double(settings.frames * settings.samplingRate)
        {
            let start = start(clip, of: settings.clips, room: max(claimed - size, 0), offset: offset)
            let ticksOfFrame = Double(video.ticks) / rate
            // Cut to whole ticks, as the origin does.
            let (first, last) = (whole(start * ticksOfFrame), whole((start + size - 1) * ticksOfFrame))
            let decoded = timestamps.indices.filter { timestamps[$0] >= first && timestamps[$0] <= last }
            if let begin = decoded.first {
                return spread(0, size - 1, settings.frames, of: decoded.count).map { begin + $0 }
            }
        }
        let n = video.frameCount
        let start = start(clip, of: settings.clips, room: max(Double(n) - size, 0), offset: offset)
        return spread(start, start + size - 1, settings.frames, of: n)
    }

    /// A container may claim anything.
    private static func whole(_ ticks: Double) -> Int64 { ticks < 9e18 ? Int64(ticks) : .max }

    private static func start(_ clip: Int, of clips: Int, room: Double, offset: Bool) -> Double {
        guard offset else { return room * Double(clip) / Double(clips) }
        return clips == 1 ? (room / 2).rounded(.down) : Double(clip) * (room / Double(clips - 1)).rounded(.down)
    }

    /// `count` numbers evenly from `first` to `last`, kept within 0..<n and cut to whole ones: `torch.linspace` in f32,
    /// which counts its second half from the end.
    private static func spread(_ first: Double, _ last: Double, _ count: Int, of n: Int) -> [Int] {
        let (first, last) = (Float(first), Float(last))
        guard count > 1 else { return [Int(min(max(first, 0), Float(n - 1)))] }
        let step = (last - first) / Float(count - 1)
        return (0..<count).map { i in
            let value = i < count / 2 ? first + step * Float(i) : last - step * Float(count - i - 1)
            return Int(min(max(value, 0), Float(n - 1)))
        }
    }
}

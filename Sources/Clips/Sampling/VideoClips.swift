public import Faults
public import Video

/// Clips of one video that need not be in a set, beginning at any of its frames and cut out of the middle, as tests cut
/// them. For one thread at a time.
public final class VideoClips {
    public let settings: ClipSettings
    public let frameCount: Int
    /// When each frame is shown, in seconds after the first; `nil` where the file does not tell.
    public let frameTimes: [Double]?
    private let video: VideoReader

    /// Opens a video; `bytes` are not needed afterwards.
    /// - Parameter access: as an earlier check of the whole video found it; `nil` finds out.
    /// - Throws: a data `Fault` that says why it is not a readable video.
    public init(
        _ bytes: UnsafeRawBufferPointer, name: String, access: FrameAccess? = nil, _ settings: ClipSettings
    ) throws(Fault) {
        video = try VideoReader(bytes, name: name, access: access)
        self.settings = settings
        frameCount = video.frameCount
        frameTimes = video.frameTimes
    }

    /// Loads the clips whose first frames are `starts`, in 0..<`frameCount`, one after the other into `out` (clip, T, H,
    /// W, RGB). A clip that reaches past the end goes on with the video's beginning.
    /// - Throws: a data `Fault` when a frame does not decode.
    public func load(starts: [Int], into out: UnsafeMutableBufferPointer<Float>) throws {
        precondition(starts.allSatisfy((0..<frameCount).contains), "clips at \(starts) of \(frameCount) frames")
        precondition(out.count >= starts.count * settings.clipFloats, "\(out.count) floats for \(starts.count) clips")
        let scaled = settings.scaledSize(width: video.width, height: video.height)
        let (left, top) = ((scaled.width - settings.crop) / 2, (scaled.height - settings.crop) / 2)
        let scale = 1 / settings.deviation
        let offset = -settings.mean / settings.deviation
        let floats = settings.crop * settings.crop * 3
        // Where each source frame goes, as places of frames in `out`.
        var places: [Int: [Int]] = [:]
        for (i, start) in starts.enumerated() {
            for t in 0..<settings.frames {
                let frame = (start + (settings.freezeFrame ? 0 : t * settings.samplingRate)) % frameCount
                places[frame, default: []].append(i * settings.frames + t)
            }
        }
        try video.decode(places.keys.sorted(), width: scaled.width, height: scaled.height) { frame, picture in
            var first: UnsafeMutableBufferPointer<Float>?
            for place in places[frame] ?? [] {
                let target = UnsafeMutableBufferPointer(rebasing: out[place * floats..<(place + 1) * floats])
                if let first {
                    _ = target.update(fromContentsOf: first)
                    continue
                }
                picture.normalize(
                    columns: left..<left + settings.crop, rows: top..<top + settings.crop, mirrored: false,
                    scale: scale, offset: offset, into: target)
                first = target
            }
        }
    }
}

extension ClipSettings {
    /// Source frames from a clip's first to its last, both counted.
    public var sourceFrames: Int { span }
}

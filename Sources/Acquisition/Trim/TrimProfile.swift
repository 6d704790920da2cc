/// How clips are written: what the pictures are, and how often one can be decoded alone.
public struct TrimProfile: Sendable, Equatable, CustomStringConvertible {
    public let name: String
    /// Frames per second.
    public let framesPerSecond = 30
    /// Of the smaller side, in pixels; even. Larger and smaller videos are scaled, with their proportions.
    public var shortSide = 320
    /// Frames from one key frame to the next.
    let keyInterval: Int
    /// x264's constant quantizer: its rate control computes with libm, and would not give the same bits everywhere.
    let quantizer: Int

    /// 30 frames per second, short side 320, key frames as x264 sets them: what VMZ's preparation gives.
    public static let vmz = TrimProfile(name: "vmz", keyInterval: 250, quantizer: 20)
    /// The same with a key frame every 16 frames, so that a clip from the middle costs few frames more than it has.
    public static let fast = TrimProfile(name: "fast", keyInterval: 16, quantizer: 20)

    public static let all = [vmz, fast]

    public var description: String { "\(name), \(framesPerSecond) frames a second, short side \(shortSide)" }

    /// The size of pictures that are `width` × `height` upright: even sides, the longer one rounded (ffmpeg's `-2`).
    public func size(width: Int, height: Int) -> (width: Int, height: Int) {
        func scaled(_ long: Int, _ short: Int) -> Int { max(2, (long * shortSide + short) / (2 * short) * 2) }
        return width < height ? (shortSide, scaled(height, width)) : (scaled(width, height), shortSide)
    }

    /// Which frame is shown at each tick of the output: the one nearest in time, the earlier of two.
    ///
    /// - Parameters:
    ///   - times: when each frame is shown; ascending seconds.
    ///   - seconds: from where and how long; `nil` for all of it.
    /// - Returns: numbers of frames that do not descend; fewer where the video ends before the clip does.
    public func frames(times: [Double], start: Double, seconds: Double?) -> [Int] {
        guard let last = times.last else { return [] }
        let rate = Double(framesPerSecond)
        // The last frame is shown for as long as the others are on average.
        let end = last + (times.count > 1 ? last / Double(times.count - 1) : 1 / rate)
        let wanted = Int(((seconds ?? (end - start)) * rate).rounded())
        var frames: [Int] = []
        var i = 0
        for k in 0..<max(0, min(wanted, 1 << 20)) {
            let time = start + Double(k) / rate
            guard time < end else { break }
            while i + 1 < times.count, abs(times[i + 1] - time) < abs(times[i] - time) { i += 1 }
            frames.append(i)
        }
        return frames
    }
}

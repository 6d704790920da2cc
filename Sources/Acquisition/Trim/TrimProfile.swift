/// How clips are written: what the pictures are, and how often one can be decoded alone.
public struct TrimProfile: Sendable, Equatable, CustomStringConvertible {
    public let name: String
    /// Frames per second.
    public let framesPerSecond = 30
    /// Of the smaller side, in pixels; even. Larger videos are scaled to it, with their proportions; smaller ones where
    /// `enlarges`.
    public var shortSide = 320
    /// Whether smaller videos are scaled up. That shows no more of them, and costs time and space at every decoding.
    let enlarges: Bool
    /// Frames from one key frame to the next.
    let keyInterval: Int
    /// Frames in a row that no other frame needs; `nil` for x264's choice.
    let skippable: Int?
    /// x264's constant quantizer: its rate control computes with libm, and would not give the same bits everywhere.
    let quantizer: Int

    /// 30 frames per second, short side 320, key frames as x264 sets them: what VMZ's preparation gives.
    public static let vmz = TrimProfile(name: "vmz", enlarges: true, keyInterval: 250, skippable: nil, quantizer: 20)
    /// Made for clips from the middle: a key frame every 16 frames, two others that frames around them need, 8 and 15 frames
    /// behind it, and else only frames that are decoded when they are asked for.
    public static let fast = TrimProfile(name: "fast", enlarges: false, keyInterval: 16, skippable: 7, quantizer: 20)

    public static let all = [vmz, fast]

    public var description: String {
        // Clips of another making must not come into the same folder: the words change when the bytes do.
        "\(name), \(framesPerSecond) frames a second, short side \(shortSide)"
            + (enlarges ? "" : " at most") + (skippable.map { ", up to \($0) frames in a row skippable" } ?? "")
    }

    /// The size of pictures that are `width` × `height` upright: even sides, the longer one rounded (ffmpeg's `-2`).
    public func size(width: Int, height: Int) -> (width: Int, height: Int) {
        let shortSide = enlarges ? shortSide : min(shortSide, max(2, min(width, height) / 2 * 2))
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
        // At most, because a container may claim any length.
        let wanted = Int(min(((seconds ?? (end - start)) * rate).rounded(), Double(1 << 20)))
        var frames: [Int] = []
        var i = 0
        for k in 0..<max(0, wanted) {
            let time = start + Double(k) / rate
            guard time < end else { break }
            while i + 1 < times.count, abs(times[i + 1] - time) < abs(times[i] - time) { i += 1 }
            frames.append(i)
        }
        return frames
    }
}

/// How fast steps come, over the last ones.
public struct Pace: Sendable, Equatable {
    private var commits: [(time: Double, clips: Int)] = []
    /// Steps that are looked back on, and seconds.
    private static let steps = 50
    private static let seconds = 900.0

    public init() {}

    public static func == (a: Pace, b: Pace) -> Bool {
        a.commits.elementsEqual(b.commits) { $0.time == $1.time && $0.clips == $1.clips }
    }

    public mutating func committed(clips: Int, now: Double) {
        commits.append((now, clips))
        while commits.count > Self.steps || commits.count > 2 && now - commits[0].time > Self.seconds {
            commits.removeFirst()
        }
    }

    /// Seconds from one step to the next; nil before there are two. While nothing comes for longer than usual it grows.
    public func secondsPerStep(now: Double) -> Double? {
        guard let first = commits.first, let last = commits.last, commits.count > 1 else { return nil }
        let usual = (last.time - first.time) / Double(commits.count - 1)
        return now - last.time > 2 * usual ? (now - first.time) / Double(commits.count) : usual
    }

    public func clipsPerSecond(now: Double) -> Double? {
        guard let seconds = secondsPerStep(now: now), seconds > 0 else { return nil }
        // The first one's clips were computed before its time.
        let clips = commits.dropFirst().reduce(0) { $0 + $1.clips }
        return Double(clips) / Double(commits.count - 1) / seconds
    }
}

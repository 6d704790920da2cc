/// Who tests which video: a pure machine. Each video is leased until it has an outcome; the first outcome counts.
///
/// What a worker held that is gone is leased again. When nothing waits any more, idle workers get what others still
/// hold: one that hangs keeps nobody waiting. Every outcome is the same bits, whoever finds it; one that is not is told.
public struct TestLeases<Worker: Hashable & Sendable>: Sendable {
    public enum Verdict: Sendable, Equatable {
        /// It counts.
        case first
        /// Another worker was faster, with the same outcome.
        case duplicate
        /// Another worker was faster, with another outcome: one of the two is broken.
        case different
    }

    /// Videos that have no outcome, ascending, and nobody who looks for it.
    private var waiting: [Int]
    /// Of the leased ones, who holds them, in the order in which they were leased first.
    private var held: [(video: Int, holders: [Worker])] = []
    public private(set) var outcomes: [VideoOutcome?]

    /// - Parameter known: Outcomes that need not be found again.
    public init(videos: Int, known: [Int: VideoOutcome] = [:]) {
        // Taken from the end.
        waiting = (0..<videos).reversed().filter { known[$0] == nil }
        outcomes = (0..<videos).map { known[$0] }
    }

    public var isDone: Bool { waiting.isEmpty && held.isEmpty }
    public var done: Int { outcomes.count { $0 != nil } }

    /// A video for a worker; nil when there is none that it does not hold already.
    public mutating func lease(to worker: Worker) -> Int? {
        if let video = waiting.popLast() {
            held.append((video, [worker]))
            return video
        }
        // What fewest look for, of these the oldest.
        let fewest = held.indices.filter { !held[$0].holders.contains(worker) }
            .min { (held[$0].holders.count, $0) < (held[$1].holders.count, $1) }
        guard let fewest else { return nil }
        held[fewest].holders.append(worker)
        return held[fewest].video
    }

    /// How many videos a worker holds.
    public func count(of worker: Worker) -> Int { held.count { $0.holders.contains(worker) } }

    /// Nil for a video that is none.
    public mutating func take(_ outcome: VideoOutcome, of video: Int) -> Verdict? {
        guard outcomes.indices.contains(video) else { return nil }
        if let known = outcomes[video] {
            return known.bits == outcome.bits && known.problem == outcome.problem ? .duplicate : .different
        }
        outcomes[video] = outcome
        held.removeAll { $0.video == video }
        waiting.removeAll { $0 == video }
        return .first
    }

    /// A worker is gone.
    /// - Returns: the videos that are leased again.
    public mutating func lose(_ worker: Worker) -> [Int] {
        for i in held.indices { held[i].holders.removeAll { $0 == worker } }
        let free = held.filter { $0.holders.isEmpty }.map(\.video)
        held.removeAll { $0.holders.isEmpty }
        waiting += free.sorted(by: >)
        return free
    }
}

extension VideoOutcome {
    /// What must be alike to the bit.
    fileprivate var bits: [UInt64] { scores.map(\.bitPattern) + [UInt64(views), UInt64(rightViews)] }
}

/// Who finds out about which video of a packing: a pure machine. This process's own hands are here, and peers elsewhere come
/// and go. Each video is leased until it is settled; the first finding counts.
///
/// - What a peer held that is gone is leased again. A video that two peers were lost with is looked at here.
/// - A peer may only ever put a video into the set: what it cannot is looked at here, and what is found here counts. So a video is
///   left out for the same reasons as where nobody helps, whatever is wrong with the peers. A peer that could not what is
///   then done here is to be sent away when that has happened often; until it is decided it gets little more.
/// - When nothing waits any more, the idle take what others hold for much longer than any video has taken: one that hangs
///   keeps nobody waiting.
public struct PackLeases<Peer: Hashable & Sendable>: Sendable {
    public enum Verdict: Sendable, Equatable {
        /// It counts.
        case first
        /// It was settled before.
        case duplicate
    }

    private enum Holder: Hashable, Sendable {
        case here
        case peer(Peer)
    }

    private struct Holding: Sendable {
        let holder: Holder
        let since: Double
    }

    /// How often a peer may be unable to do what is then done here.
    public static var mostFailures: Int { 8 }
    /// Peers that are lost with one video before it is suspected.
    static var mostLosses: Int { 2 }

    /// Seconds after which a peer that has not said what became of a lease counts as hung.
    private let patience: Double
    /// Not settled and with nobody, descending: they are taken from the end.
    private var waiting: [Int]
    /// Those that are for here alone, in the order in which that turned out.
    private var suspected: [Int] = []
    private var held: [Int: [Holding]] = [:]
    private var isSettled: [Bool]
    public private(set) var done = 0
    private var losses: [Int: Int] = [:]
    /// Who could not do a video that is not settled.
    private var doubts: [Int: Set<Peer>] = [:]
    private var undecided: [Peer: Int] = [:]
    private var failures: [Peer: Int] = [:]
    /// What the slowest video took from its lease on.
    private var slowest: Double?

    public init(videos: Int, patience: Double) {
        waiting = (0..<videos).reversed()
        isSettled = Array(repeating: false, count: videos)
        self.patience = patience
    }

    public var isDone: Bool { done == isSettled.count }

    public func isSettled(_ video: Int) -> Bool { isSettled[video] }

    /// A video for this process.
    /// - Parameter helps: whether it takes part; otherwise it takes only what nobody else can do.
    public mutating func leaseHere(helps: Bool, now: Double) -> Int? {
        while !suspected.isEmpty {
            let video = suspected.removeFirst()
            if !isSettled[video] { return hold(video, .here, now) }
        }
        return helps ? next(for: .here, now) : nil
    }

    /// A video for a peer; nil when there is none for it now.
    public mutating func lease(to peer: Peer, now: Double) -> Int? {
        guard undecided[peer, default: 0] < Self.mostFailures else { return nil }
        return next(for: .peer(peer), now)
    }

    private mutating func next(for holder: Holder, _ now: Double) -> Int? {
        while let video = waiting.popLast() {
            if !isSettled[video] { return hold(video, holder, now) }
        }
        guard let slowest else { return nil }
        // The oldest; two are enough for one video.
        let late = held.filter { _, holders in
            holders.count == 1 && holders[0].holder != holder && now - holders[0].since > 2 * slowest + 1
        }
        return late.min { ($0.value[0].since, $0.key) < ($1.value[0].since, $1.key) }.flatMap {
            hold($0.key, holder, now)
        }
    }

    private mutating func hold(_ video: Int, _ holder: Holder, _ now: Double) -> Int {
        held[video, default: []].append(Holding(holder: holder, since: now))
        return video
    }

    /// How many videos a peer holds.
    public func count(of peer: Peer) -> Int { held.values.count { $0.contains { $0.holder == .peer(peer) } } }

    public func holds(_ peer: Peer, _ video: Int) -> Bool {
        held[video]?.contains { $0.holder == .peer(peer) } ?? false
    }

    /// A finding counts, from wherever.
    /// - Parameter isSound: whether the video goes in; what is found here may also be that it does not.
    /// - Returns: the verdict, and who has failed too often by now. Nil for a video that is none.
    public mutating func settle(
        _ video: Int, isSound: Bool, now: Double
    ) -> (verdict: Verdict, exposed: [Peer])? {
        guard isSettled.indices.contains(video) else { return nil }
        guard !isSettled[video] else { return (.duplicate, []) }
        isSettled[video] = true
        done += 1
        if let since = held.removeValue(forKey: video)?.first?.since { slowest = max(slowest ?? 0, now - since) }
        losses[video] = nil
        var exposed: [Peer] = []
        for peer in doubts.removeValue(forKey: video) ?? [] {
            undecided[peer, default: 1] -= 1
            guard isSound else { continue }
            failures[peer, default: 0] += 1
            if failures[peer] == Self.mostFailures { exposed.append(peer) }
        }
        return (.first, exposed)
    }

    /// A peer says that it cannot do a video that it holds.
    public mutating func fail(_ video: Int, of peer: Peer) {
        guard holds(peer, video) else { return }
        release(video, .peer(peer))
        doubts[video, default: []].insert(peer)
        undecided[peer, default: 0] += 1
        suspect(video)
    }

    /// A peer is gone.
    /// - Returns: the videos that are leased again.
    @discardableResult
    public mutating func lose(_ peer: Peer) -> [Int] {
        let lost = held.keys.filter { holds(peer, $0) }.sorted(by: >)
        for video in lost {
            release(video, .peer(peer))
            losses[video, default: 0] += 1
            guard held[video] == nil, !suspected.contains(video) else { continue }
            if losses[video, default: 0] >= Self.mostLosses { suspect(video) } else { waiting.append(video) }
        }
        for video in doubts.keys { doubts[video]?.remove(peer) }
        undecided[peer] = nil
        failures[peer] = nil
        return lost
    }

    /// Peers that have been silent about a lease for too long.
    public func overdue(now: Double) -> [Peer] {
        var peers: [Peer] = []
        for holdings in held.values {
            for case .peer(let peer) in holdings.filter({ now - $0.since > patience }).map(\.holder)
            where !peers.contains(peer) {
                peers.append(peer)
            }
        }
        return peers
    }

    private mutating func release(_ video: Int, _ holder: Holder) {
        held[video]?.removeAll { $0.holder == holder }
        if held[video]?.isEmpty == true { held[video] = nil }
    }

    /// From now on it is for here, unless somebody has it in hand.
    private mutating func suspect(_ video: Int) {
        guard held[video]?.contains(where: { $0.holder == .here }) != true, !suspected.contains(video) else { return }
        suspected.append(video)
    }
}

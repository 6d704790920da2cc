/// Which parts of which new video are asked of whom: a pure machine. A video comes from the peer that wrote it, in order,
/// a few parts under way; of each peer one at a time, and of all together so many that what is under way stays small.
package struct PackIntake<Peer: Hashable & Sendable>: Sendable {
    package struct Request: Equatable, Sendable {
        package let peer: Peer
        package let video: Int
        package let offset: Int
        package let count: Int

        package init(peer: Peer, video: Int, offset: Int, count: Int) {
            (self.peer, self.video, self.offset, self.count) = (peer, video, offset, count)
        }
    }

    /// What a part that came is good for.
    package enum Use: Equatable, Sendable {
        case write
        /// The last one.
        case complete
        /// Nobody waits for it any more.
        case none
        /// It is not the one that was asked for.
        case nonsense
    }

    private struct Transfer: Sendable {
        let peer: Peer
        let video: Int
        let byteCount: Int
        var asked = 0
        var done = 0
    }

    /// Parts under way of one video, and videos at once.
    package static var window: Int { 4 }
    package static var most: Int { 16 }

    private var active: [Transfer] = []
    private var queue: [Transfer] = []

    package init() {}

    /// A peer has a new video of so many bytes, 1 or more.
    package mutating func announce(_ video: Int, byteCount: Int, of peer: Peer) {
        drop(video, of: peer)
        queue.append(Transfer(peer: peer, video: video, byteCount: byteCount))
    }

    /// What is to be asked for now.
    package mutating func requests() -> [Request] {
        while active.count < Self.most,
            let next = queue.firstIndex(where: { waiting in !active.contains { $0.peer == waiting.peer } })
        {
            active.append(queue.remove(at: next))
        }
        var requests: [Request] = []
        for i in active.indices {
            while active[i].asked < active[i].byteCount,
                active[i].asked - active[i].done < Self.window * PackMessage.mostPart
            {
                let count = min(PackMessage.mostPart, active[i].byteCount - active[i].asked)
                requests.append(
                    Request(peer: active[i].peer, video: active[i].video, offset: active[i].asked, count: count))
                active[i].asked += count
            }
        }
        return requests
    }

    /// A part came.
    package mutating func take(_ video: Int, offset: Int, count: Int, of peer: Peer) -> Use {
        guard let i = active.firstIndex(where: { $0.video == video && $0.peer == peer }) else { return .none }
        let expected = min(PackMessage.mostPart, active[i].byteCount - active[i].done)
        guard offset == active[i].done, count == expected, offset + count <= active[i].asked else { return .nonsense }
        active[i].done += count
        guard active[i].done == active[i].byteCount else { return .write }
        active.remove(at: i)
        return .complete
    }

    package mutating func drop(_ video: Int, of peer: Peer) {
        active.removeAll { $0.video == video && $0.peer == peer }
        queue.removeAll { $0.video == video && $0.peer == peer }
    }

    package mutating func drop(_ peer: Peer) {
        active.removeAll { $0.peer == peer }
        queue.removeAll { $0.peer == peer }
    }
}

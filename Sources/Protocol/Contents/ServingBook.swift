/// How much of the data set is on its way to whom: what was read and not yet sent is in memory, so it is bounded.
package struct ServingBook<Peer: Hashable & Sendable>: Sendable {
    /// Parts of one peer's, and of all together; each has at most `ContentRequest.mostBytes`.
    package static var mostForOne: Int { 16 }
    package static var most: Int { 128 }

    private var underWay: [Peer: Int] = [:]
    package private(set) var total = 0

    package init() {}

    /// - Returns: Whether one more may be read for this peer.
    package mutating func begin(_ peer: Peer) -> Bool {
        guard total < Self.most, underWay[peer, default: 0] < Self.mostForOne else { return false }
        underWay[peer, default: 0] += 1
        total += 1
        return true
    }

    /// It has left, or is not wanted any more.
    package mutating func end(_ peer: Peer) {
        guard let count = underWay[peer] else { return }
        underWay[peer] = count > 1 ? count - 1 : nil
        total -= 1
    }
}

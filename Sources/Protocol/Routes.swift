public import Wire

/// Which connection of a listener leads to which worker: the one that its newest message came by.
public struct Routes {
    private var peers: [Incarnation: Peer] = [:]
    private var incarnations: [Peer: Incarnation] = [:]

    public init() {}

    public subscript(incarnation: Incarnation) -> Peer? { peers[incarnation] }

    /// The worker that a connection speaks for.
    public func worker(of peer: Peer) -> Incarnation? { incarnations[peer] }

    public mutating func learn(_ incarnation: Incarnation, _ peer: Peer) {
        guard peers[incarnation] != peer else { return }
        if let old = peers[incarnation] { incarnations[old] = nil }
        // A connection speaks for one worker: what it spoke for before is out of reach.
        if let old = incarnations[peer] { peers[old] = nil }
        peers[incarnation] = peer
        incarnations[peer] = incarnation
    }

    /// The connection is gone.
    /// - Returns: The worker that nobody can reach now; `nil` when it has another connection, or there is none.
    public mutating func forget(_ peer: Peer) -> Incarnation? {
        guard let incarnation = incarnations.removeValue(forKey: peer) else { return nil }
        peers[incarnation] = nil
        return incarnation
    }
}

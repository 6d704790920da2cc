public import Wire

extension Listener {
    /// Waits until those are gone who were told that all is over: of a connection that this end closes ZeroMQ drops what the
    /// other has not read yet.
    ///
    /// - Parameters:
    ///   - peers: Whoever has been told.
    ///   - seconds: That it takes at most.
    ///   - answer: To a message that still comes: whoever gets one is waited for, too.
    public func awaitDeparture(
        of peers: Set<Peer>, seconds: Double,
        answer: (Peer, _ header: Payload, _ payloads: [Payload]) -> MessageParts?
    ) {
        var present = peers
        let poller = Poller()
        poller.watch(self)
        let clock = MonotonicClock()
        let deadline = clock.now + seconds
        while !present.isEmpty, clock.now < deadline {
            poller.wait(milliseconds: 100)
            while let event = next() {
                switch event {
                case .disconnected(let peer): present.remove(peer)
                case .message(let peer, let header, let payloads):
                    // The news that somebody is gone may come before the last words.
                    if let answer = answer(peer, header, payloads), send(answer, to: peer) != .unreachable {
                        present.insert(peer)
                    }
                case .turnedAway, .refused: break
                }
            }
        }
    }
}

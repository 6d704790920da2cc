import Faults
import Glibc
import Protocol
import Wire

/// A listener and connections to it in one thread.
final class Loopback {
    let context: Context
    let listener: Listener
    let poller = Poller()
    private(set) var gone: Set<Peer> = []
    private(set) var turnedAway: [TurnedAway] = []
    private(set) var refused = 0

    init(_ limits: FrameLimits = FrameLimits(), security: Security = .loopback) throws {
        context = try Context(security: security)
        listener = try Listener(context, endpoint: "tcp://127.0.0.1:*", limits: limits)
        poller.watch(listener)
    }

    func connect(_ limits: FrameLimits = FrameLimits()) throws -> Connection {
        let connection = try Connection(context, endpoint: listener.endpoint, limits: limits)
        poller.watch(connection)
        return connection
    }

    /// Repeats `attempt` as things happen until it gives something; fails after a minute.
    func until<Result>(_ attempt: () throws -> Result?) throws -> Result {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if let result = try attempt() { return result }
            poller.wait(milliseconds: 20)
        }
        throw Fault(.internal, "test", "nothing happened for a minute")
    }

    func nextMessage(_ connection: Connection) throws -> (header: [UInt8], payloads: [Payload]) {
        try until {
            while let event = connection.next() {
                if case .message(let header, let payloads) = event { return (header.array(of: UInt8.self), payloads) }
            }
            return nil
        }
    }

    func nextMessage() throws -> (peer: Peer, header: [UInt8], payloads: [Payload]) {
        try until {
            while let event = listener.next() {
                if case .message(let peer, let header, let payloads) = event {
                    return (peer, header.array(of: UInt8.self), payloads)
                }
                note(event)
            }
            return nil
        }
    }

    func waitForDisconnections(_ count: Int) throws {
        try until {
            while let event = listener.next() { note(event) }
            return gone.count >= count ? () : nil
        }
    }

    /// Waits until so many were turned away in all.
    func waitForTurnedAway(_ count: Int) throws {
        try until {
            while let event = listener.next() { note(event) }
            return turnedAway.count >= count ? () : nil
        }
    }

    /// Takes what has happened at the listener, for counts only.
    func look() { while let event = listener.next() { note(event) } }

    private func note(_ event: Listener.Event) {
        switch event {
        case .message: break
        case .disconnected(let peer): gone.insert(peer)
        case .turnedAway(let somebody): turnedAway.append(somebody)
        case .refused: refused += 1
        }
    }
}

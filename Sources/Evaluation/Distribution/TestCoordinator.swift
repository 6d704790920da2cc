public import Faults
public import Protocol
import Wire

/// Leases the videos of a test to workers that connect, and collects the outcomes; gives clips and checkpoint to those that do
/// not have them. Everything but reading these happens on the thread that calls `run`.
public final class TestCoordinator {
    public enum Note: Sendable, Equatable {
        case joined(name: String)
        /// A worker is gone; so many videos are leased again.
        case left(name: String, reissued: Int)
        /// A worker says that it cannot go on.
        case failed(name: String, reason: String)
        /// Two workers found different scores for one video.
        case different(video: Int, name: String)
        case refused(Fault)
        case outcome(video: Int, VideoOutcome, done: Int)
    }

    private let listener: Listener
    private let poller = Poller()
    private let server: ContentServer
    private let replies: Mailbox<(Peer, ContentReply)>
    private let assignment: TestAssignment
    private let classes: Int
    private var leases: TestLeases<Peer>
    /// Of all that ever came: what they said last may arrive after the news that they are gone.
    private var names: [Peer: String] = [:]
    private var present: Set<Peer> = []
    private var ready: Set<Peer> = []
    private var lastFailure: Fault?

    /// Videos that a worker has at a time: one that it tests, one on the way.
    private static let ahead = 2
    /// Seconds that workers have to go when all is done: one may still be at a video that another was faster with. What is
    /// sent just before a connection closes, ZeroMQ may drop at the other end.
    private static let farewell = 10.0

    /// - Parameters:
    ///   - known: Outcomes that need not be found again.
    ///   - listen: `tcp://HOST:PORT`; port 0 takes a free one.
    ///   - content: The file with that SHA-256, for workers that do not have it. Called on a thread of its own.
    public init(
        videos: Int, known: [Int: VideoOutcome] = [:], classes: Int, assignment: TestAssignment, listen: String,
        security: Security, content: @escaping @Sendable ([UInt8]) -> String? = { _ in nil }
    ) throws(Fault) {
        leases = TestLeases(videos: videos, known: known)
        self.classes = classes
        self.assignment = assignment
        listener = try Listener(try Context(security: security), endpoint: listen)
        listener.setLinger(milliseconds: 2000)
        poller.watch(listener)
        let replies = try Mailbox<(Peer, ContentReply)>()
        poller.watch(replies)
        self.replies = replies
        server = ContentServer(path: content) { replies.post(($0, $1)) }
    }

    /// Where workers may join.
    public var endpoint: String { listener.endpoint }

    /// Until every video has an outcome.
    /// - Parameter mayComeBack: Whether there is still somebody who may connect; asked when nobody is connected.
    /// - Throws: a `Fault` when every worker is gone for good.
    public func run(mayComeBack: () -> Bool, note: (Note) -> Void) throws(Fault) -> [VideoOutcome] {
        defer { server.finish() }
        while !leases.isDone {
            poller.wait(milliseconds: 200)
            for (peer, reply) in replies.drain() {
                let encoded = EncodedFrame(reply)
                _ = listener.send(to: peer, header: encoded.header, payloads: encoded.payloads)
            }
            while let event = listener.next() { handle(event, note) }
            if present.isEmpty, !leases.isDone, !mayComeBack() {
                throw lastFailure
                    ?? Fault(
                        .stoppedEarly, "workers", "all have ended, with \(leases.done) videos tested",
                        mend: "run the command again")
            }
        }
        sayFarewell()
        return leases.outcomes.compactMap { $0 }
    }

    /// Tells all that the test is over, and waits until they have heard it.
    private func sayFarewell() {
        for peer in present { send(.stop, to: peer) }
        listener.awaitDeparture(of: present, seconds: Self.farewell) { peer, header, payloads in
            guard peer.may(act: .worker), let late = try? TestMessage(header: header, payloads: payloads) else {
                return nil
            }
            switch late {
            case .hello, .ready: return TestMessage.stop.parts
            case .welcome, .refused, .lease, .tested, .failed, .stop: return nil
            }
        }
    }

    private func handle(_ event: Listener.Event, _ note: (Note) -> Void) {
        switch event {
        case .disconnected(let peer): forget(peer, note)
        case .turnedAway(let stranger):
            note(.refused(stranger.fault))
        case .refused(let fault): note(.refused(fault))
        case .message(let peer, let header, let payloads):
            guard peer.may(act: .worker) else {
                return note(.refused(Fault(.usage, "a connection", "has no worker's key")))
            }
            // Whoever needs clips asks on a connection of its own, in the words of training.
            if let request = ContentRequest(header: header, payloads: payloads) {
                return server.ask(request, from: peer)
            }
            do throws(Fault) { try handle(try TestMessage(header: header, payloads: payloads), from: peer, note) } catch
            { note(.refused(error)) }
        }
    }

    private func handle(_ message: TestMessage, from peer: Peer, _ note: (Note) -> Void) throws(Fault) {
        switch message {
        case .hello(let version, let name):
            guard version == TestMessage.version else {
                let fault = Fault(
                    .usage, name,
                    "speaks version \(version) of the test's protocol, the command version \(TestMessage.version)",
                    mend: "install the same release on both")
                send(.refused(reason: "\(fault.reason); \(fault.mend)"), to: peer)
                throw fault
            }
            guard names[peer] == nil else { return }
            names[peer] = name
            present.insert(peer)
            note(.joined(name: name))
            // It came too late.
            guard !leases.isDone else { return send(.stop, to: peer) }
            // The news that it is gone may have come before its first words.
            let welcome = TestMessage.welcome(version: TestMessage.version, assignment)
            if listener.send(welcome.parts, to: peer) == .unreachable { forget(peer, note) }
        case .ready:
            guard present.contains(peer) else { return }
            guard !leases.isDone else { return send(.stop, to: peer) }
            ready.insert(peer)
            fill(peer)
        case .failed(let reason):
            let name = names[peer] ?? "a worker"
            note(.failed(name: name, reason: reason))
            lastFailure = Fault(.data, name, reason)
            forget(peer, note)
        case .tested(let video, let outcome):
            guard names[peer] != nil, !outcome.isTested || outcome.scores.count == classes,
                let verdict = leases.take(outcome, of: video)
            else { throw Fault(.data, names[peer] ?? "a worker", "sends an outcome that is none of this test") }
            switch verdict {
            case .first: note(.outcome(video: video, outcome, done: leases.done))
            case .duplicate: break
            case .different: note(.different(video: video, name: names[peer] ?? ""))
            }
            for worker in ready { fill(worker) }
        case .welcome, .refused, .lease, .stop:
            throw Fault(.data, names[peer] ?? "a worker", "sends what only coordinators do")
        }
    }

    private func fill(_ peer: Peer) {
        while leases.count(of: peer) < Self.ahead, let video = leases.lease(to: peer) {
            send(.lease(video: video), to: peer)
        }
    }

    private func forget(_ peer: Peer, _ note: (Note) -> Void) {
        ready.remove(peer)
        let reissued = leases.lose(peer).count
        guard present.remove(peer) != nil, let name = names[peer] else { return }
        note(.left(name: name, reissued: reissued))
        for worker in ready { fill(worker) }
    }

    /// Whoever cannot be reached is told of as disconnected.
    private func send(_ message: TestMessage, to peer: Peer) { _ = listener.send(message.parts, to: peer) }
}

import Clips
import Faults
import Glibc
import Protocol
import Storage
import Wire

/// The sockets, threads and files of a packing that is shared, round its leases. Everything but reading and hashing files, and
/// what is found out here, happens on one thread.
final class PackSession {
    private struct Helper {
        let name: String
        let capacity: Int
        /// It has shown that it writes what this machine writes.
        var isReady = false
    }

    /// A video on its way from a helper.
    private struct Pull {
        let finding: String
        let draft: String
        let file: Descriptor
    }

    private struct Lease: Hashable {
        let video: Int
        let peer: Peer
    }

    private let work: PackWork
    private let listener: Listener
    private let terms: PackCoordinator.Terms
    private let note: (PackCoordinator.Note) -> Void
    private let poller = Poller()
    private let clock = MonotonicClock()
    private var leases: PackLeases<Peer>
    private var intake = PackIntake<Peer>()
    private var helpers: [Peer: Helper] = [:]
    /// Who has said hello, whatever became of it, and is still there.
    private var connected: Set<Peer> = []
    private var pulls: [Lease: Pull] = [:]
    /// Who could not do a video, and why.
    private var complaints: [Int: (name: String, reason: String)] = [:]
    private let hands: Hands
    private let sources: PackSources
    /// Videos that are being hashed, and who waits for that.
    private var awaited: [Int: [Peer]] = [:]

    init(
        _ work: PackWork, _ listener: Listener, _ terms: PackCoordinator.Terms,
        note: @escaping (PackCoordinator.Note) -> Void
    ) throws(Fault) {
        (self.work, self.listener, self.terms, self.note) = (work, listener, terms, note)
        leases = PackLeases(videos: work.videos.count, patience: terms.patience)
        hands = try Hands(count: max(1, terms.hands), work)
        sources = try PackSources(work.videos)
        poller.watch(listener)
        poller.watch(hands.results)
        poller.watch(sources.files)
        poller.watch(sources.replies)
    }

    var isDone: Bool { leases.isDone }

    /// Waits until something happens, and does what follows from it.
    func turn() throws(Fault) {
        while hands.isAnyFree, let video = leases.leaseHere(helps: terms.hands > 0, now: clock.now) {
            hands.take(video)
        }
        poller.wait(milliseconds: 200)
        for (video, result) in hands.drain() { try settleHere(video, result) }
        for (video, file) in sources.files.drain() { deliver(video, file) }
        for (peer, reply) in sources.replies.drain() {
            let encoded = EncodedFrame(reply)
            _ = listener.send(to: peer, header: encoded.header, payloads: encoded.payloads)
        }
        while let event = listener.next() { try handle(event) }
        for peer in leases.overdue(now: clock.now) {
            dismiss(peer, "has not said for \(Int(terms.patience)) s what became of a video")
        }
        for (peer, helper) in helpers where helper.isReady { fill(peer, helper) }
        for request in intake.requests() {
            send(.give(video: request.video, offset: request.offset, count: request.count), to: request.peer)
        }
    }

    /// Tells everybody, lets go of what is under way, and waits until they have heard it.
    func end(_ message: PackMessage) {
        for peer in helpers.keys { send(message, to: peer) }
        for lease in pulls.keys { abandon(lease) }
        hands.end()
        sources.end()
        listener.awaitDeparture(of: connected, seconds: Self.farewell) { peer, header, payloads in
            guard peer.may(act: .worker), let late = try? PackMessage(header: header, payloads: payloads),
                case .hello = late
            else { return nil }
            return message.parts
        }
    }

    /// Seconds for those who were told that it is over.
    private static let farewell = 5.0

    // MARK: - Events

    private func handle(_ event: Listener.Event) throws(Fault) {
        switch event {
        case .disconnected(let peer):
            connected.remove(peer)
            forget(peer)
        case .turnedAway(let stranger): note(.refused(stranger.fault))
        case .refused(let fault): note(.refused(fault))
        case .message(let peer, let header, let payloads):
            guard peer.may(act: .worker) else {
                return note(.refused(Fault(.usage, "a connection", "has no worker's key")))
            }
            // Whoever needs a file asks on a connection of its own, in the words of training.
            if let request = ContentRequest(header: header, payloads: payloads) {
                return sources.server.ask(request, from: peer)
            }
            let message: PackMessage
            do throws(Fault) { message = try PackMessage(header: header, payloads: payloads) } catch {
                guard helpers[peer] != nil else { return note(.refused(error)) }
                return dismiss(peer, "sends what is no message of a packing")
            }
            try handle(message, from: peer)
        }
    }

    private func handle(_ message: PackMessage, from peer: Peer) throws(Fault) {
        if case .hello(let version, let helper) = message { return welcome(helper, version, peer) }
        // Whoever was sent away may not know it yet.
        guard let helper = helpers[peer] else { return }
        switch message {
        case .ready(let trial):
            do throws(Fault) { try terms.assignment.check(trial: trial, of: helper.name) } catch {
                return dismiss(peer, "\(error.reason); \(error.mend)")
            }
            helpers[peer]?.isReady = true
        case .failed(let reason):
            note(.failed(name: helper.name, reason: reason))
            forget(peer)
        case .found(let video, let finding): try take(finding, of: video, from: peer, helper.name)
        case .cannot(let video, let reason):
            guard leases.holds(peer, video) else { return }
            complaints[video] = (helper.name, reason)
            leases.fail(video, of: peer)
        case .part(let video, let offset, let bytes): try take(bytes, at: offset, of: video, from: peer, helper.name)
        case .hello, .welcome, .refused, .lease, .give, .settled, .stop, .stopped:
            dismiss(peer, "sends what only a packing does")
        }
    }

    private func welcome(_ helper: PackHelper, _ version: Int, _ peer: Peer) {
        guard helpers[peer] == nil else { return }
        connected.insert(peer)
        do throws(Fault) { try helper.check(version: version, libraries: terms.libraries) } catch {
            send(.refused(reason: "\(error.reason); \(error.mend)"), to: peer)
            return note(.refused(error))
        }
        helpers[peer] = Helper(name: helper.name, capacity: helper.capacity)
        note(.joined(name: helper.name, capacity: helper.capacity))
        // The news that it is gone may have come before its first words.
        if listener.send(PackMessage.welcome(terms.assignment).parts, to: peer) == .unreachable {
            connected.remove(peer)
            forget(peer)
        }
    }

    // MARK: - Findings

    private func settleHere(_ video: Int, _ result: Result<String, Fault>) throws(Fault) {
        if case .failure(let fault) = result, fault.code == .stoppedEarly { throw fault }
        let isSound = (try? result.get()).flatMap { work.content(of: $0) } != nil
        guard let (verdict, exposed) = leases.settle(video, isSound: isSound, now: clock.now) else { return }
        let complaint = complaints.removeValue(forKey: video)
        if verdict == .duplicate {
            if case .success(let finding) = result { compare(finding, of: video, "this machine") }
            return
        }
        work.record(video, result)
        if isSound, let complaint {
            note(.overcame(video: work.videos[video].name, name: complaint.name, reason: complaint.reason))
        }
        for peer in exposed {
            dismiss(peer, "could not do \(PackLeases<Peer>.mostFailures) videos that can be done here")
        }
    }

    private func take(_ finding: String, of video: Int, from peer: Peer, _ name: String) throws(Fault) {
        guard work.videos.indices.contains(video) else { return dismiss(peer, "speaks of a video that is none") }
        guard !leases.isSettled(video) else {
            compare(finding, of: video, name)
            return send(.settled(video: video), to: peer)
        }
        guard leases.holds(peer, video) else { return dismiss(peer, "speaks of a video that it was not given") }
        guard let content = work.content(of: finding) else {
            complaints[video] = (name, "answered what puts no video into a set")
            leases.fail(video, of: peer)
            return send(.settled(video: video), to: peer)
        }
        guard work.isWrittenAnew else {
            do throws(Fault) {
                guard let source = sources.known[video] else {
                    throw Fault(.data, work.videos[video].name, "was not sent yet")
                }
                try work.accept(finding, of: video, content: (source.digest, source.byteCount))
            } catch { return dismiss(peer, "\(error.thing): \(error.reason)") }
            return settle(video, finding, from: peer, name)
        }
        let draft = work.draft()
        let lease = Lease(video: video, peer: peer)
        abandon(lease)
        pulls[lease] = Pull(
            finding: finding, draft: draft, file: try Descriptor(draft, O_RDWR | O_CREAT | O_EXCL))
        intake.announce(video, byteCount: content.byteCount, of: peer)
    }

    private func take(
        _ bytes: [UInt8], at offset: Int, of video: Int, from peer: Peer, _ name: String
    ) throws(Fault) {
        let lease = Lease(video: video, peer: peer)
        let use = intake.take(video, offset: offset, count: bytes.count, of: peer)
        guard use != .none, let pull = pulls[lease] else { return }
        guard use != .nonsense else { return dismiss(peer, "sends parts that nobody asked for") }
        try pull.file.write(bytes, at: offset)
        guard use == .complete else { return }
        try pull.file.synchronize()
        guard !leases.isSettled(video) else {
            abandon(lease)
            return send(.settled(video: video), to: peer)
        }
        do throws(Fault) { try work.accept(pull.finding, of: video, draft: pull.draft) } catch {
            guard error.code == .data else { throw error }
            return dismiss(peer, "\(error.thing): \(error.reason)")
        }
        pulls[lease] = nil
        settle(video, pull.finding, from: peer, name)
    }

    private func settle(_ video: Int, _ finding: String, from peer: Peer, _ name: String) {
        _ = leases.settle(video, isSound: true, now: clock.now)
        complaints[video] = nil
        work.record(video, .success(finding))
        send(.settled(video: video), to: peer)
        note(.helped(video: work.videos[video].name, name: name))
    }

    private func compare(_ finding: String, of video: Int, _ name: String) {
        if let known = work.finding(video), known != finding {
            note(.different(video: work.videos[video].name, name: name))
        }
    }

    // MARK: - Leases

    private func fill(_ peer: Peer, _ helper: Helper) {
        while leases.count(of: peer) < helper.capacity, let video = leases.lease(to: peer, now: clock.now) {
            if let file = sources.known[video] {
                send(.lease(video: video, file), to: peer)
            } else {
                if awaited[video] == nil { sources.look(at: video) }
                awaited[video, default: []].append(peer)
            }
        }
    }

    /// A file is known: whoever waits gets its lease.
    private func deliver(_ video: Int, _ file: CachedFile?) {
        sources.known[video] = file
        for peer in awaited.removeValue(forKey: video) ?? [] where leases.holds(peer, video) {
            // What cannot be read, or is empty, is a matter of this machine.
            if let file { send(.lease(video: video, file), to: peer) } else { leases.fail(video, of: peer) }
        }
    }

    private func dismiss(_ peer: Peer, _ reason: String) {
        send(.refused(reason: reason), to: peer)
        if let helper = helpers[peer] { note(.failed(name: helper.name, reason: reason)) }
        forget(peer)
    }

    private func forget(_ peer: Peer) {
        let reissued = leases.lose(peer).count
        intake.drop(peer)
        for lease in pulls.keys.filter({ $0.peer == peer }) { abandon(lease) }
        if let helper = helpers.removeValue(forKey: peer) { note(.left(name: helper.name, reissued: reissued)) }
    }

    private func abandon(_ lease: Lease) {
        intake.drop(lease.video, of: lease.peer)
        if let pull = pulls.removeValue(forKey: lease) { unlink(pull.draft) }
    }

    /// Whoever cannot be reached is told of as disconnected.
    private func send(_ message: PackMessage, to peer: Peer) { _ = listener.send(message.parts, to: peer) }
}

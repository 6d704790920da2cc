import Faults
import Glibc
import Protocol
import Wire

/// One life of a worker in a cluster: an incarnation, its machine, its sockets.
final class WorkerSession {
    let incarnation: Incarnation
    let hello: Hello
    var machine: Worker
    let poller = Poller()
    private let settings: WorkerShell.Settings
    private let context: Context
    /// Where other workers reach our shard.
    private let listener: Listener
    private let coordinator: Connection
    /// To the shards of the others.
    private var peers: [(incarnation: Incarnation, connection: Connection)] = []
    private var routes = Routes()
    /// Whose turn it is, so that a busy socket does not starve the others.
    private var turn = 0
    /// Headers and payloads.
    private(set) var bytesSent: UInt64 = 0
    private(set) var bytesReceived: UInt64 = 0
    /// What clips had cost when it began.
    let earlier: DecodingTimes

    init(
        _ settings: WorkerShell.Settings, _ context: Context, _ mailbox: Mailbox<WorkerShell.Call>, _ pool: PayloadPool,
        earlier: DecodingTimes = DecodingTimes()
    ) throws(Fault) {
        self.earlier = earlier
        self.settings = settings
        self.context = context
        let data = try Self.listen(context, settings)
        listener = data.listener
        coordinator = try Connection(
            context, endpoint: settings.coordinator, to: .coordinator, limits: settings.limits)
        incarnation = UInt64.random(in: 1...UInt64.max)
        hello = Hello(
            name: settings.name, host: hostName(), process: Int(getpid()), threads: settings.threads,
            endpoint: data.endpoint, product: settings.product, metrics: settings.metrics)
        machine = Worker(incarnation: incarnation, hello: hello, timing: settings.timing, pool: pool)
        poller.watch(listener)
        poller.watch(coordinator)
        poller.watch(mailbox)
    }

    /// Listens on one address, and says how others reach it.
    private static func listen(
        _ context: Context, _ settings: WorkerShell.Settings
    ) throws(Fault) -> (listener: Listener, endpoint: String) {
        var host = settings.dataHost
        if host.isEmpty { host = try localAddress(towards: settings.coordinator) }
        let bind = settings.dataBind.isEmpty ? host : settings.dataBind
        let listener: Listener
        do throws(Fault) {
            listener = try Listener(context, endpoint: "tcp://\(bind):*", limits: settings.limits)
        } catch {
            // Misuse, or an address that this machine does not have now.
            guard settings.dataBind.isEmpty, !settings.dataHost.isEmpty, error.code != .internal else { throw error }
            throw Fault(
                error.code, "worker.data_host = \"\(host)\"", error.reason,
                mend: error.mend + "; where it is a name for others only, say in worker.data_bind where to listen")
        }
        guard bind != host else { return (listener, listener.endpoint) }
        let port = listener.endpoint.split(separator: ":").last ?? "0"
        return (listener, "tcp://\(host):\(port)")
    }

    /// Why the coordinator will never have us; nil as long as it may.
    var refusal: Fault? { coordinator.refusal }

    /// What the sockets bring.
    enum Arrival {
        case machine(WorkerEvent)
        /// Somebody needs clips; whoever asks for them has no link.
        case content(Peer, ContentRequest)
    }

    /// The next thing that the sockets bring, or a frame that is none of ours.
    func next() -> Result<Arrival, Fault>? {
        let count = peers.count + 2
        for offset in 0..<count {
            let index = (turn + offset) % count
            if let event = next(index) {
                turn = (index + 1) % count
                return event
            }
        }
        return nil
    }

    private func next(_ index: Int) -> Result<Arrival, Fault>? {
        switch index {
        case 0: nextFromCoordinator()?.map { .machine($0) }
        case 1: nextRequest()
        default: nextFromPeer(index - 2)?.map { .machine($0) }
        }
    }

    private func nextFromCoordinator() -> Result<WorkerEvent, Fault>? {
        while let event = coordinator.next() {
            switch event {
            case .connected: return .success(.coordinatorConnected)
            case .disconnected: continue
            case .message(let header, let payloads):
                received(header, payloads)
                return attempt { () throws(Fault) in
                    .coordinator(
                        try header.withBytes { bytes throws(Fault) in try Frame(header: bytes, payloads: payloads) })
                }
            }
        }
        return nil
    }

    private func nextRequest() -> Result<Arrival, Fault>? {
        while let event = listener.next() {
            switch event {
            case .disconnected(let peer): _ = routes.forget(peer)
            case .turnedAway(let somebody): return .failure(somebody.fault)
            case .refused(let fault): return .failure(fault)
            case .message(let peer, let header, let payloads):
                received(header, payloads)
                return attempt { () throws(Fault) in
                    let message = try header.withBytes { bytes throws(Fault) in
                        try DataMessage(header: bytes, payloads: payloads)
                    }
                    switch message {
                    case .content(let request): return .content(peer, request)
                    case .shard(let frame):
                        if !listener.hasEnded(peer) { routes.learn(frame.sender, peer) }
                        return .machine(.request(frame))
                    }
                }
            }
        }
        return nil
    }

    private func nextFromPeer(_ index: Int) -> Result<WorkerEvent, Fault>? {
        let (incarnation, connection) = peers[index]
        guard let event = connection.next() else { return nil }
        switch event {
        case .connected: return .success(.peerConnected(incarnation))
        case .disconnected: return .success(.peerDisconnected(incarnation))
        case .message(let header, let payloads):
            received(header, payloads)
            return attempt { () throws(Fault) in
                .reply(try header.withBytes { bytes throws(Fault) in try Frame(header: bytes, payloads: payloads) })
            }
        }
    }

    private func received(_ header: Payload, _ payloads: [Payload]) {
        bytesReceived += UInt64(header.count + payloads.reduce(0) { $0 + $1.count })
    }

    private func sent(_ header: [UInt8], _ payloads: [Payload], _ outcome: SendOutcome) {
        guard outcome == .sent else { return }
        bytesSent += UInt64(header.count + payloads.reduce(0) { $0 + $1.count })
    }

    private func attempt<Event>(_ body: () throws(Fault) -> Event) -> Result<Event, Fault> {
        do throws(Fault) { return .success(try body()) } catch { return .failure(error) }
    }

    // What cannot be sent now the links keep, and send when the other end is back.

    func sendToCoordinator(_ frame: Frame<WorkerMessage>) {
        let encoded = EncodedFrame(frame)
        sent(encoded.header, encoded.payloads, coordinator.send(header: encoded.header, payloads: encoded.payloads))
    }

    func request(_ incarnation: Incarnation, _ frame: Frame<ShardRequest>) {
        guard let peer = peers.first(where: { $0.incarnation == incarnation }) else { return }
        let encoded = EncodedFrame(frame)
        sent(encoded.header, encoded.payloads, peer.connection.send(header: encoded.header, payloads: encoded.payloads))
    }

    func reply(_ incarnation: Incarnation, _ frame: Frame<ShardReply>) {
        guard let peer = routes[incarnation] else { return }
        let encoded = EncodedFrame(frame)
        sent(
            encoded.header, encoded.payloads,
            listener.send(to: peer, header: encoded.header, payloads: encoded.payloads))
    }

    func answer(_ peer: Peer, _ reply: ContentReply) {
        let encoded = EncodedFrame(reply)
        sent(
            encoded.header, encoded.payloads,
            listener.send(to: peer, header: encoded.header, payloads: encoded.payloads))
    }

    func connect(_ incarnation: Incarnation, _ endpoint: String) throws(Fault) {
        disconnect(incarnation)
        let connection = try Connection(context, endpoint: endpoint, to: .worker, limits: settings.limits)
        peers.append((incarnation, connection))
        poller.watch(connection)
    }

    func disconnect(_ incarnation: Incarnation) {
        for peer in peers where peer.incarnation == incarnation { poller.forget(peer.connection) }
        peers.removeAll { $0.incarnation == incarnation }
    }

    func setLinger(milliseconds: Int) {
        coordinator.setLinger(milliseconds: milliseconds)
        listener.setLinger(milliseconds: milliseconds)
        for peer in peers { peer.connection.setLinger(milliseconds: milliseconds) }
    }
}

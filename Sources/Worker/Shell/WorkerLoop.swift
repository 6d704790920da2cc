import CIntrinsics
import Faults
import Glibc
import Protocol
import Reporting
import Wire

/// The socket thread of a worker.
final class WorkerLoop: @unchecked Sendable {  // made by one thread, then handed whole to the one that runs it
    private let settings: WorkerShell.Settings
    private let mailbox: Mailbox<WorkerShell.Call>
    private let note: @Sendable (String) -> Void
    private let observe: @Sendable (Progress) -> Void
    private let pool = PayloadPool()
    private let computing: ComputeThread
    private let context: Context
    private let clock = MonotonicClock()
    private var session: WorkerSession
    private var nextTick = 0.0
    private var nextResources = 0.0
    private var ending: Ending?
    private var hasVanished = false
    private var refused = RefusalCount()
    private let supply: ClipSupply?
    private let server: ContentServer?
    /// Where the shards of the others listen.
    private var peers: [Incarnation: String] = [:]

    init(
        _ settings: WorkerShell.Settings, mailbox: Mailbox<WorkerShell.Call>, supply: ClipSupply?,
        note: @escaping @Sendable (String) -> Void, observe: @escaping @Sendable (Progress) -> Void,
        build: @escaping @Sendable (Welcome) throws(Fault) -> WorkerBuild
    ) throws(Fault) {
        self.settings = settings
        self.mailbox = mailbox
        self.note = note
        self.observe = observe
        self.supply = supply
        server = supply.map { supply in
            ContentServer(path: { supply.path(of: $0) }, answer: { mailbox.post(.content($0, $1)) })
        }
        computing = ComputeThread(pool: pool, build: build)
        context = try Context(security: settings.security)
        session = try WorkerSession(settings, context, mailbox, pool)
    }

    var endpoint: String { session.hello.endpoint }

    func run() -> Ending {
        // The machine sums and updates tensors on this thread: with the same arithmetic as everywhere.
        zoetrope_flush_denormals()
        while true {
            for call in mailbox.drain() { handle(call) }
            let isBusy = receive()
            if clock.now >= nextTick {
                nextTick = clock.now + settings.timing.tick
                settings.ticked()
                tellResources()
                perform(session.machine.handle(.tick, now: clock.now))
            }
            if ending == nil, let refusal = session.refusal {
                ending = Ending(code: Int(refusal.code.rawValue), reason: refusal.description)
            }
            if let ending {
                computing.cancel()
                // Computing may wait for clips that will not come any more.
                supply?.fetcher.close()
                server?.finish()
                // What was just said may take a moment to leave.
                if !hasVanished { session.setLinger(milliseconds: 2000) }
                computing.finish()
                return ending
            }
            let wait = isBusy ? 0 : max(0, nextTick - clock.now)
            session.poller.wait(milliseconds: Int((wait * 1000).rounded(.up)))
        }
    }

    private func handle(_ call: WorkerShell.Call) {
        guard ending == nil else { return }
        switch call {
        case .answer(let answer, let incarnation):
            guard incarnation == session.incarnation, !computing.isCancelled(answer.number) else { return }
            perform(session.machine.handle(answer.event, now: clock.now))
        case .content(let peer, let reply): session.answer(peer, reply)
        case .drain: perform(session.machine.handle(.drainRequested, now: clock.now))
        case .vanish:
            hasVanished = true
            ending = Ending(code: 137, reason: "vanished")
        }
    }

    /// Takes what has arrived, a bounded number at a time: the clock must not wait for a flood.
    /// - Returns: Whether more may wait.
    private func receive() -> Bool {
        var count = 0
        let current = session
        while ending == nil, count < 128, session === current, let event = session.next() {
            count += 1
            switch event {
            case .success(.machine(let event)): perform(session.machine.handle(event, now: clock.now))
            case .success(.content(let peer, let request)):
                if let server {
                    server.ask(request, from: peer)
                } else {
                    session.answer(peer, .refused(request, .absent))
                }
            case .failure(let fault):
                if let told = refused.add(fault, now: clock.now) { note("\(told)") }
            }
        }
        return count == 128 || session !== current
    }

    private func tellResources() {
        guard clock.now >= nextResources else { return }
        nextResources = clock.now + 1
        let (ahead, times) = computing.decoding
        let use = ResourceUse(
            decodedAhead: ahead, residentBytes: residentMemory(),
            decoding: DecodingTimes(
                awaited: times.awaited - session.earlier.awaited, busy: times.busy - session.earlier.busy),
            bytesSent: session.bytesSent, bytesReceived: session.bytesReceived)
        perform(session.machine.handle(.resources(use), now: clock.now))
        observe(session.machine.progress)
    }

    private func perform(_ directives: [WorkerDirective]) {
        for directive in directives {
            switch directive {
            case .sendToCoordinator(let frame): session.sendToCoordinator(frame)
            case .connect(let incarnation, let endpoint):
                do throws(Fault) { try session.connect(incarnation, endpoint) } catch { note("\(error)") }
                meet(incarnation, at: endpoint)
            case .disconnect(let incarnation):
                session.disconnect(incarnation)
                meet(incarnation, at: nil)
            case .request(let incarnation, let frame): session.request(incarnation, frame)
            case .reply(let incarnation, let frame): session.reply(incarnation, frame)
            case .prepare(let welcome): computing.prepare(welcome, answer: answer)
            case .load(let chunk, _, let weights): computing.load(chunk: chunk, weights)
            case .compute(let lease, let step, let unit):
                computing.compute(lease: lease, step: step, unit: unit, answer: answer)
            case .cancel: computing.cancel()
            case .prefetch(let step, let block): computing.prefetch(step: step, block)
            case .note(let text): note(text)
            case .rejoin(let reason): rejoin(reason)
            case .stop(let code, let reason):
                ending = ending ?? Ending(code: code, reason: reason)
            }
        }
    }

    /// Where the compute thread's answers go: to the session that asked, if it is still the one.
    private var answer: @Sendable (ComputeThread.Answer) -> Void {
        let (mailbox, incarnation) = (mailbox, session.incarnation)
        return { mailbox.post(.answer($0, incarnation: incarnation)) }
    }

    /// Clips may be had from whoever is a member.
    private func meet(_ incarnation: Incarnation, at endpoint: String?) {
        peers[incarnation] = endpoint
        supply?.fetcher.setPeers(Array(peers.values))
    }

    /// We were taken for dead, or our run is gone: come back as somebody new.
    private func rejoin(_ reason: String) {
        note("joining again: \(reason)")
        let wasLeaving = session.machine.isLeaving
        computing.cancel()
        peers = [:]
        supply?.fetcher.setPeers([])
        do throws(Fault) {
            session = try WorkerSession(settings, context, mailbox, pool, earlier: computing.decoding.times)
        } catch {
            ending = Ending(code: Int(error.code.rawValue), reason: error.description)
        }
        nextTick = 0
        // It was told to go, and has nothing any more that others need.
        if wasLeaving, ending == nil { perform(session.machine.handle(.drainRequested, now: clock.now)) }
    }
}

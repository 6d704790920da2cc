import Faults
import Protocol
import Wire

/// The socket thread of a coordinator.
final class CoordinatorLoop {
    private var machine: Coordinator
    private let listener: Listener
    private let mailbox: Mailbox<CoordinatorShell.Call>
    private let disks: RunDisks
    private let tick: Double
    private let observer: CoordinatorShell.Observer
    private let server: ContentServer
    private let clock = MonotonicClock()
    private var routes = Routes()
    /// Worker processes of this machine, for whoever started them.
    private var processes: [Int: Incarnation] = [:]
    private let host = hostName()
    private var turnedAway = RefusalCount()
    private var refused = RefusalCount()
    private var ending: Ending?
    private var hasVanished = false
    private var nextFenceCheck = 0.0
    private var nextStatus = 0.0

    init(
        machine: Coordinator, listener: Listener, mailbox: Mailbox<CoordinatorShell.Call>, disks: RunDisks,
        tick: Double, observer: CoordinatorShell.Observer, server: ContentServer
    ) {
        self.server = server
        self.machine = machine
        self.listener = listener
        self.mailbox = mailbox
        self.disks = disks
        self.tick = tick
        self.observer = observer
    }

    func run() -> Ending {
        let poller = Poller()
        poller.watch(listener)
        poller.watch(mailbox)
        var nextTick = clock.now
        while true {
            for call in mailbox.drain() { handle(call) }
            // A bounded number at a time: a flood must not keep the clock and the disks waiting.
            var count = 0
            while count < 256, ending == nil, let event = listener.next() {
                handle(event)
                count += 1
            }
            if clock.now >= nextTick {
                nextTick = clock.now + tick
                observer.ticked()
                if clock.now >= nextFenceCheck {
                    nextFenceCheck = clock.now + 1
                    disks.watchFence()
                }
                perform(machine.handle(.tick, now: clock.now))
                tellStatus()
            }
            if let ending {
                // The last orders to stop may take a moment to leave.
                if !hasVanished { listener.setLinger(milliseconds: 2000) }
                disks.finish()
                server.finish()
                return ending
            }
            let wait = count == 256 ? 0 : max(0, nextTick - clock.now)
            poller.wait(milliseconds: Int((wait * 1000).rounded(.up)))
        }
    }

    /// Once a second, to whoever looks on.
    private func tellStatus() {
        guard let tell = observer.status, clock.now >= nextStatus else { return }
        nextStatus = clock.now + 1
        tell(status)
    }

    private var status: ClusterStatus {
        var status = machine.status(now: clock.now)
        status.turnedAway = turnedAway.count
        status.refusedFrames = refused.count
        return status
    }

    private func handle(_ call: CoordinatorShell.Call) {
        guard ending == nil else { return }
        switch call {
        case .event(let event):
            if case .stopRequested = event { disks.stopWaiting() }
            perform(machine.handle(event, now: clock.now))
        case .note(let note): observer.note(note)
        case .content(let peer, let reply):
            let encoded = EncodedFrame(reply)
            _ = listener.send(to: peer, header: encoded.header, payloads: encoded.payloads)
        case .fenced(let fault):
            // The workers may be the other's by now: they are told nothing.
            hasVanished = true
            perform(machine.handle(.fenced(fault.reason), now: clock.now))
        case .processEnded(let process):
            guard let incarnation = processes.removeValue(forKey: process) else { return }
            perform(machine.handle(.processEnded(incarnation), now: clock.now))
        case .vanish:
            hasVanished = true
            ending = Ending(code: 137, reason: "vanished")
        }
    }

    private func handle(_ event: Listener.Event) {
        switch event {
        case .message(let peer, let header, let payloads):
            do throws(Fault) {
                let message = try header.withBytes { bytes throws(Fault) in
                    try ControlMessage(header: bytes, payloads: payloads)
                }
                switch message {
                case .worker(let frame):
                    try check(peer, may: .worker)
                    if !listener.hasEnded(peer) { routes.learn(frame.sender, peer) }
                    note(frame)
                    perform(machine.handle(.received(frame), now: clock.now))
                case .operator(let request):
                    try check(peer, may: .operator)
                    answer(request, peer)
                case .content(let request):
                    try check(peer, may: .worker)
                    server.ask(request, from: peer)
                }
            } catch {
                drop(error)
                if let worker = routes.worker(of: peer) {
                    perform(machine.handle(.unreadable(worker, reason: error.reason), now: clock.now))
                }
            }
        case .refused(let fault): drop(fault)
        case .turnedAway(let somebody):
            if let fault = turnedAway.add(somebody.fault, now: clock.now) { observer.refused(fault) }
        case .disconnected(let peer):
            guard let incarnation = routes.forget(peer) else { return }
            perform(machine.handle(.disconnected(incarnation), now: clock.now))
        }
    }

    private func drop(_ fault: Fault) {
        if let fault = refused.add(fault, now: clock.now) { observer.refused(fault) }
    }

    /// A worker's key cannot stop a run, an operator's cannot compute for it.
    private func check(_ peer: Peer, may role: Role) throws(Fault) {
        guard peer.may(act: role) else {
            throw Fault(.data, "message", "a key of another role does what only a key of the \(role.rawValue)s may")
        }
    }

    private func note(_ frame: Frame<WorkerMessage>) {
        // More than a machine has workers is nonsense, and must not fill the memory.
        guard processes.count < 4096 else { return }
        if case .hello(let hello)? = frame.message, hello.host == host { processes[hello.process] = frame.sender }
    }

    private func answer(_ request: OperatorRequest, _ peer: Peer) {
        let reply: OperatorReply
        switch request {
        case .status: reply = .status(status)
        case .drain(let name):
            let members = machine.status(now: clock.now).members
            if members.contains(where: { $0.name == name || String($0.incarnation, radix: 16) == name.lowercased() }) {
                perform(machine.handle(.drainRequested(name), now: clock.now))
                reply = .done("\(name) leaves as soon as others own its chunks")
            } else {
                reply = .refused("nobody is called '\(name)': \(advice(for: name, among: members.map(\.name)))")
            }
        case .stop:
            disks.stopWaiting()
            perform(machine.handle(.stopRequested("stopped by an operator"), now: clock.now))
            reply = .done("writing a checkpoint, then stopping")
        }
        let encoded = EncodedFrame(reply)
        _ = listener.send(to: peer, header: encoded.header, payloads: encoded.payloads)
    }

    private func perform(_ directives: [CoordinatorDirective]) {
        for directive in directives {
            switch directive {
            case .send(let incarnation, let frame):
                // Without a connection the link keeps it, and asks when the worker is back.
                guard let peer = routes[incarnation] else { continue }
                let encoded = EncodedFrame(frame)
                _ = listener.send(to: peer, header: encoded.header, payloads: encoded.payloads)
            case .appendLedger(let record): disks.append(record)
            case .beginCheckpoint(let version): disks.beginCheckpoint(version: version)
            case .writeChunk(let state): disks.write(state)
            case .completeCheckpoint(let version): disks.completeCheckpoint(version: version)
            case .abandonCheckpoint: disks.abandonCheckpoint()
            case .readChunk(let version, let chunk, let incarnation):
                disks.read(version: version, chunk: chunk, for: incarnation)
            case .committed(let record, let replayed): observer.committed(record, replayed)
            case .note(let note): observer.note(note)
            case .finished(let code, let reason):
                ending = ending ?? Ending(code: code, reason: reason)
            }
        }
    }
}

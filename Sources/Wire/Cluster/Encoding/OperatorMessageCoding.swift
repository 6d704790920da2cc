import CWire
import Faults

extension OperatorRequest: FrameMessage {
    static let cases = [
        ZOETROPE__FRAME__MESSAGE_STATUS_REQUEST, ZOETROPE__FRAME__MESSAGE_DRAIN_REQUEST,
        ZOETROPE__FRAME__MESSAGE_STOP_REQUEST,
    ]

    func encode(into frame: UnsafeMutablePointer<Zoetrope__Frame>, _ arena: Arena) -> [Payload] {
        switch self {
        case .status:
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_STATUS_REQUEST
            frame.pointee.status_request = arena.make(zoetrope__nothing__init)
        case .drain(let name):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_DRAIN_REQUEST
            frame.pointee.drain_request = arena.string(name)
        case .stop:
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_STOP_REQUEST
            frame.pointee.stop_request = arena.make(zoetrope__nothing__init)
        }
        return []
    }

    init(decoding frame: Zoetrope__Frame, _ payloads: [Payload]) throws(Fault) {
        _ = try Checking.payloads(payloads, 0...0)
        switch frame.message_case {
        case ZOETROPE__FRAME__MESSAGE_STATUS_REQUEST: self = .status
        case ZOETROPE__FRAME__MESSAGE_DRAIN_REQUEST: self = .drain(Checking.text(frame.drain_request))
        case ZOETROPE__FRAME__MESSAGE_STOP_REQUEST: self = .stop
        default: throw FrameCoding.unexpected(frame, "an operator")
        }
    }
}

extension OperatorReply: FrameMessage {
    func encode(into frame: UnsafeMutablePointer<Zoetrope__Frame>, _ arena: Arena) -> [Payload] {
        switch self {
        case .status(let status):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_STATUS
            frame.pointee.status = status.message(arena)
        case .done(let text):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_DONE
            frame.pointee.done = arena.string(text)
        case .refused(let text):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_REFUSED
            frame.pointee.refused = arena.string(text)
        }
        return []
    }

    init(decoding frame: Zoetrope__Frame, _ payloads: [Payload]) throws(Fault) {
        _ = try Checking.payloads(payloads, 0...0)
        switch frame.message_case {
        case ZOETROPE__FRAME__MESSAGE_STATUS:
            self = .status(try ClusterStatus(try Checking.present(frame.status, "the status")))
        case ZOETROPE__FRAME__MESSAGE_DONE: self = .done(Checking.line(frame.done))
        case ZOETROPE__FRAME__MESSAGE_REFUSED: self = .refused(Checking.line(frame.refused))
        default: throw FrameCoding.unexpected(frame, "a coordinator to an operator")
        }
    }
}

extension ClusterStatus {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__ClusterStatus> {
        arena.make(zoetrope__cluster_status__init) {
            $0.pointee.generation = generation
            $0.pointee.phase = arena.string(phase)
            $0.pointee.step = Int64(step)
            $0.pointee.steps = Int64(steps)
            $0.pointee.map = Int64(map)
            $0.pointee.newest_checkpoint = Int64(newestCheckpoint)
            $0.pointee.n_members = members.count
            $0.pointee.members = arena.array(members.map { $0.message(arena) })
            $0.pointee.n_waiting_for = waitingFor.count
            $0.pointee.waiting_for = arena.strings(waitingFor)
            $0.pointee.turned_away = Int64(turnedAway)
            $0.pointee.refused_frames = Int64(refusedFrames)
        }
    }

    init(_ message: Zoetrope__ClusterStatus) throws(Fault) {
        let members = try Checking.list(message.members, message.n_members) { member throws(Fault) in
            try MemberStatus(member)
        }
        self.init(
            generation: message.generation, phase: Checking.line(message.phase),
            step: try Checking.number(message.step, "step"), steps: try Checking.number(message.steps, "steps"),
            map: try Checking.mapNumber(message.map),
            newestCheckpoint: try Checking.number(message.newest_checkpoint, "checkpoint"), members: members,
            waitingFor: Checking.lines(message.waiting_for, message.n_waiting_for),
            turnedAway: try Checking.number(message.turned_away, "peers"),
            refusedFrames: try Checking.number(message.refused_frames, "frames"))
    }
}

extension MemberStatus {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__MemberStatus> {
        arena.make(zoetrope__member_status__init) {
            $0.pointee.incarnation = incarnation
            $0.pointee.name = arena.string(name)
            $0.pointee.host = arena.string(host)
            $0.pointee.process = Int64(process)
            $0.pointee.threads = Int64(threads)
            $0.pointee.state = arena.string(state)
            $0.pointee.chunks = Int64(chunks)
            $0.pointee.n_leases = leases.count
            $0.pointee.leases = arena.array(leases.map { arena.block($0) })
            $0.pointee.units_per_second = unitsPerSecond.bitPattern
            $0.pointee.silent_seconds = silentSeconds.bitPattern
            $0.pointee.progress = progress.message(arena)
            $0.pointee.late = arena.string(late)
            $0.pointee.metrics = arena.string(metrics)
        }
    }

    init(_ message: Zoetrope__MemberStatus) throws(Fault) {
        var leases: [UnitBlock] = []
        for lease in UnsafeBufferPointer(start: message.leases, count: message.leases == nil ? 0 : message.n_leases) {
            leases.append(try Checking.block(lease))
        }
        self.init(
            incarnation: message.incarnation, name: Checking.line(message.name), host: Checking.line(message.host),
            process: try Checking.number(message.process, "process"),
            threads: try Checking.number(message.threads, "threads"), state: Checking.line(message.state),
            chunks: try Checking.number(message.chunks, "chunks"), leases: leases,
            unitsPerSecond: Double(bitPattern: message.units_per_second),
            silentSeconds: Double(bitPattern: message.silent_seconds),
            progress: try message.progress.map { progress throws(Fault) in try Progress(progress.pointee) }
                ?? Progress(),
            late: Checking.line(message.late), metrics: Checking.line(message.metrics))
    }
}

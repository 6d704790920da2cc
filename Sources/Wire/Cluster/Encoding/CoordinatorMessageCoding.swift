import CWire
import Faults

extension CoordinatorMessage: FrameMessage {
    func encode(into frame: UnsafeMutablePointer<Zoetrope__Frame>, _ arena: Arena) -> [Payload] {
        var payloads: [Payload] = []
        func set(_ kind: Zoetrope__Frame__MessageCase) { frame.pointee.message_case = kind }
        switch self {
        case .welcome(let welcome):
            set(ZOETROPE__FRAME__MESSAGE_WELCOME)
            frame.pointee.welcome = welcome.message(arena)
        case .refuse(let refusal):
            set(ZOETROPE__FRAME__MESSAGE_REFUSE)
            frame.pointee.refuse = arena.make(zoetrope__refusal__init) {
                $0.pointee.reason = arena.string(refusal.reason)
                $0.pointee.may_return = refusal.mayReturn ? 1 : 0
            }
        case .map(let map):
            set(ZOETROPE__FRAME__MESSAGE_MAP)
            frame.pointee.map = map.message(arena)
        case .lease(let lease):
            set(ZOETROPE__FRAME__MESSAGE_LEASE)
            frame.pointee.lease = arena.make(zoetrope__lease__init) {
                $0.pointee.id = lease.id
                $0.pointee.map = Int64(lease.map)
                $0.pointee.step = Int64(lease.step)
                $0.pointee.block = arena.block(lease.block)
            }
        case .revoke(let lease):
            set(ZOETROPE__FRAME__MESSAGE_REVOKE)
            frame.pointee.revoke = lease
        case .prefetch(let step, let block):
            set(ZOETROPE__FRAME__MESSAGE_PREFETCH)
            frame.pointee.prefetch = arena.make(zoetrope__prefetch__init) {
                $0.pointee.step = Int64(step)
                $0.pointee.block = arena.block(block)
            }
        case .commit(let commit):
            set(ZOETROPE__FRAME__MESSAGE_COMMIT)
            frame.pointee.commit = commit.message(arena)
        case .checkpoint(let version, let chunks):
            set(ZOETROPE__FRAME__MESSAGE_CHECKPOINT)
            frame.pointee.checkpoint = arena.make(zoetrope__checkpoint_request__init) {
                $0.pointee.version = Int64(version)
                $0.pointee.n_chunks = chunks.count
                $0.pointee.chunks = arena.numbers(chunks)
            }
        case .chunkStored(let version, let chunk):
            set(ZOETROPE__FRAME__MESSAGE_CHUNK_STORED)
            frame.pointee.chunk_stored = arena.make(zoetrope__chunk_stored__init) {
                $0.pointee.version = Int64(version)
                $0.pointee.chunk = Int64(chunk)
            }
        case .stateChunk(let map, let state):
            set(ZOETROPE__FRAME__MESSAGE_STATE_CHUNK)
            frame.pointee.state_chunk = state.message(map: map, arena)
            payloads = state.slots
        case .departed(let incarnation):
            set(ZOETROPE__FRAME__MESSAGE_DEPARTED)
            frame.pointee.departed = incarnation
        case .compare(let version, let chunks):
            set(ZOETROPE__FRAME__MESSAGE_COMPARE)
            frame.pointee.compare = arena.make(zoetrope__checkpoint_request__init) {
                $0.pointee.version = Int64(version)
                $0.pointee.n_chunks = chunks.count
                $0.pointee.chunks = arena.numbers(chunks)
            }
        case .rollForward(let commit):
            set(ZOETROPE__FRAME__MESSAGE_ROLL_FORWARD)
            frame.pointee.roll_forward = commit.message(arena)
        case .drain:
            set(ZOETROPE__FRAME__MESSAGE_DRAIN)
            frame.pointee.drain = arena.make(zoetrope__nothing__init)
        case .stop(let code, let reason):
            set(ZOETROPE__FRAME__MESSAGE_STOP)
            frame.pointee.stop = arena.make(zoetrope__stop__init) {
                $0.pointee.code = Int64(code)
                $0.pointee.reason = arena.string(reason)
            }
        }
        return payloads
    }

    init(decoding frame: Zoetrope__Frame, _ payloads: [Payload]) throws(Fault) {
        if frame.message_case != ZOETROPE__FRAME__MESSAGE_STATE_CHUNK { _ = try Checking.payloads(payloads, 0...0) }
        switch frame.message_case {
        case ZOETROPE__FRAME__MESSAGE_WELCOME:
            self = .welcome(try Welcome(try Checking.present(frame.welcome, "the welcome")))
        case ZOETROPE__FRAME__MESSAGE_REFUSE:
            let refusal = try Checking.present(frame.refuse, "the refusal")
            self = .refuse(Refusal(reason: Checking.line(refusal.reason), mayReturn: refusal.may_return != 0))
        case ZOETROPE__FRAME__MESSAGE_MAP:
            self = .map(try OwnershipMap(try Checking.present(frame.map, "the map")))
        case ZOETROPE__FRAME__MESSAGE_LEASE:
            let lease = try Checking.present(frame.lease, "the lease")
            self = .lease(
                Lease(
                    id: lease.id, map: try Checking.mapNumber(lease.map),
                    step: try Checking.number(lease.step, "step"), block: try Checking.block(lease.block)))
        case ZOETROPE__FRAME__MESSAGE_REVOKE: self = .revoke(lease: frame.revoke)
        case ZOETROPE__FRAME__MESSAGE_PREFETCH:
            let prefetch = try Checking.present(frame.prefetch, "the lease")
            self = .prefetch(
                step: try Checking.number(prefetch.step, "step"), block: try Checking.block(prefetch.block))
        case ZOETROPE__FRAME__MESSAGE_COMMIT:
            self = .commit(try Commit(try Checking.present(frame.commit, "the commit")))
        case ZOETROPE__FRAME__MESSAGE_CHECKPOINT:
            let request = try Checking.present(frame.checkpoint, "the request")
            self = .checkpoint(
                version: try Checking.number(request.version, "version"),
                chunks: try Checking.numbers(request.chunks, request.n_chunks, "chunk"))
        case ZOETROPE__FRAME__MESSAGE_COMPARE:
            let request = try Checking.present(frame.compare, "the request")
            self = .compare(
                version: try Checking.number(request.version, "version"),
                chunks: try Checking.numbers(request.chunks, request.n_chunks, "chunk"))
        case ZOETROPE__FRAME__MESSAGE_CHUNK_STORED:
            let stored = try Checking.present(frame.chunk_stored, "the receipt")
            self = .chunkStored(
                version: try Checking.number(stored.version, "version"),
                chunk: try Checking.number(stored.chunk, "chunk"))
        case ZOETROPE__FRAME__MESSAGE_STATE_CHUNK:
            let state = try Checking.present(frame.state_chunk, "the chunk")
            self = .stateChunk(map: try Checking.mapNumber(state.map), state: try ChunkState(state, payloads))
        case ZOETROPE__FRAME__MESSAGE_DEPARTED: self = .departed(frame.departed)
        case ZOETROPE__FRAME__MESSAGE_ROLL_FORWARD:
            self = .rollForward(try Commit(try Checking.present(frame.roll_forward, "the commit")))
        case ZOETROPE__FRAME__MESSAGE_DRAIN: self = .drain
        case ZOETROPE__FRAME__MESSAGE_STOP:
            let stop = try Checking.present(frame.stop, "the order")
            guard (0...255).contains(stop.code) else { throw Checking.fault("exit code \(stop.code) is out of range") }
            self = .stop(code: Int(stop.code), reason: Checking.line(stop.reason))
        default: throw FrameCoding.unexpected(frame, "a coordinator")
        }
    }
}

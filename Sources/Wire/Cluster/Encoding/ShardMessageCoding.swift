import CWire
import Faults

extension ShardRequest: FrameMessage {
    func encode(into frame: UnsafeMutablePointer<Zoetrope__Frame>, _ arena: Arena) -> [Payload] {
        switch self {
        case .push(let push):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_PUSH
            frame.pointee.push = arena.make(zoetrope__push__init) {
                $0.pointee.map = Int64(push.map)
                $0.pointee.step = Int64(push.step)
                $0.pointee.block = arena.block(push.block)
                $0.pointee.chunk = Int64(push.chunk)
                $0.pointee.checksum = push.checksum
                $0.pointee.revision = Int64(push.revision)
            }
            return [push.gradient]
        case .replicate(let replicate):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_REPLICATE
            frame.pointee.replicate = arena.make(zoetrope__replicate__init) {
                $0.pointee.map = Int64(replicate.map)
                $0.pointee.revision = Int64(replicate.revision)
                $0.pointee.step = Int64(replicate.step)
                $0.pointee.chunk = Int64(replicate.chunk)
                $0.pointee.checksum = replicate.checksum
                $0.pointee.state = replicate.state
            }
            return [replicate.gradient]
        case .want(let map, let revision, let version, let chunks):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_WANT
            frame.pointee.want = Self.request(map, revision, version, chunks, arena)
        case .fetchState(let map, let revision, let chunks):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_FETCH_STATE
            frame.pointee.fetch_state = Self.request(map, revision, 0, chunks, arena)
        }
        return []
    }

    private static func request(
        _ map: Int, _ revision: Int, _ version: Int, _ chunks: [Int], _ arena: Arena
    ) -> UnsafeMutablePointer<Zoetrope__ChunkRequest> {
        arena.make(zoetrope__chunk_request__init) {
            $0.pointee.map = Int64(map)
            $0.pointee.version = Int64(version)
            $0.pointee.n_chunks = chunks.count
            $0.pointee.chunks = arena.numbers(chunks)
            $0.pointee.revision = Int64(revision)
        }
    }

    init(decoding frame: Zoetrope__Frame, _ payloads: [Payload]) throws(Fault) {
        switch frame.message_case {
        case ZOETROPE__FRAME__MESSAGE_PUSH:
            let push = try Checking.present(frame.push, "the push")
            self = .push(
                Push(
                    map: try Checking.mapNumber(push.map),
                    revision: try Checking.number(push.revision, "revision"),
                    step: try Checking.number(push.step, "step"),
                    block: try Checking.block(push.block), chunk: try Checking.number(push.chunk, "chunk"),
                    checksum: push.checksum, gradient: try Checking.payloads(payloads, 1...1)[0]))
        case ZOETROPE__FRAME__MESSAGE_WANT:
            _ = try Checking.payloads(payloads, 0...0)
            let want = try Checking.present(frame.want, "the request")
            self = .want(
                map: try Checking.mapNumber(want.map), revision: try Checking.number(want.revision, "revision"),
                version: try Checking.number(want.version, "version"),
                chunks: try Checking.numbers(want.chunks, want.n_chunks, "chunk"))
        case ZOETROPE__FRAME__MESSAGE_FETCH_STATE:
            _ = try Checking.payloads(payloads, 0...0)
            let fetch = try Checking.present(frame.fetch_state, "the request")
            self = .fetchState(
                map: try Checking.mapNumber(fetch.map), revision: try Checking.number(fetch.revision, "revision"),
                chunks: try Checking.numbers(fetch.chunks, fetch.n_chunks, "chunk"))
        case ZOETROPE__FRAME__MESSAGE_REPLICATE:
            let replicate = try Checking.present(frame.replicate, "the gradient")
            self = .replicate(
                Replicate(
                    map: try Checking.mapNumber(replicate.map),
                    revision: try Checking.number(replicate.revision, "revision"),
                    step: try Checking.number(replicate.step, "step"),
                    chunk: try Checking.number(replicate.chunk, "chunk"), checksum: replicate.checksum,
                    state: replicate.state, gradient: try Checking.payloads(payloads, 1...1)[0]))
        default: throw FrameCoding.unexpected(frame, "a worker to a shard")
        }
    }
}

extension ShardReply: FrameMessage {
    func encode(into frame: UnsafeMutablePointer<Zoetrope__Frame>, _ arena: Arena) -> [Payload] {
        switch self {
        case .receipt(let receipt):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_RECEIPT
            frame.pointee.receipt = receipt.message(arena)
            return []
        case .weights(let weights):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_WEIGHTS
            frame.pointee.weights = arena.make(zoetrope__weights__init) {
                $0.pointee.map = Int64(weights.map)
                $0.pointee.version = Int64(weights.version)
                $0.pointee.chunk = Int64(weights.chunk)
            }
            return [weights.weights]
        case .state(let map, let state):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_STATE
            frame.pointee.state = state.message(map: map, arena)
            return state.slots
        case .replicated(let map, let step, let chunk, let verdict):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_REPLICATED
            frame.pointee.replicated = arena.make(zoetrope__replicated__init) {
                $0.pointee.map = Int64(map)
                $0.pointee.step = Int64(step)
                $0.pointee.chunk = Int64(chunk)
                $0.pointee.verdict = UInt32(verdict.rawValue)
            }
            return []
        }
    }

    init(decoding frame: Zoetrope__Frame, _ payloads: [Payload]) throws(Fault) {
        switch frame.message_case {
        case ZOETROPE__FRAME__MESSAGE_RECEIPT:
            _ = try Checking.payloads(payloads, 0...0)
            self = .receipt(try PushReceipt(try Checking.present(frame.receipt, "the receipt")))
        case ZOETROPE__FRAME__MESSAGE_WEIGHTS:
            let weights = try Checking.present(frame.weights, "the weights")
            self = .weights(
                Weights(
                    map: try Checking.mapNumber(weights.map),
                    version: try Checking.number(weights.version, "version"),
                    chunk: try Checking.number(weights.chunk, "chunk"),
                    weights: try Checking.payloads(payloads, 1...1)[0]))
        case ZOETROPE__FRAME__MESSAGE_STATE:
            let state = try Checking.present(frame.state, "the chunk")
            self = .state(map: try Checking.mapNumber(state.map), state: try ChunkState(state, payloads))
        case ZOETROPE__FRAME__MESSAGE_REPLICATED:
            _ = try Checking.payloads(payloads, 0...0)
            let replicated = try Checking.present(frame.replicated, "the receipt")
            self = .replicated(
                map: try Checking.mapNumber(replicated.map), step: try Checking.number(replicated.step, "step"),
                chunk: try Checking.number(replicated.chunk, "chunk"),
                try PushReceipt.verdict(replicated.verdict))
        default: throw FrameCoding.unexpected(frame, "a shard")
        }
    }
}

extension ChunkState {
    /// Slots an optimizer may have: weights, momentum, second moment, average, and as many again to come.
    static let mostSlots = 8

    func message(map: Int, _ arena: Arena) -> UnsafeMutablePointer<Zoetrope__ChunkState> {
        arena.make(zoetrope__chunk_state__init) {
            $0.pointee.chunk = Int64(chunk)
            $0.pointee.version = Int64(version)
            $0.pointee.digest = digest
            $0.pointee.map = Int64(map)
        }
    }

    init(_ message: Zoetrope__ChunkState, _ payloads: [Payload]) throws(Fault) {
        self.init(
            chunk: try Checking.number(message.chunk, "chunk"),
            version: try Checking.number(message.version, "version"),
            slots: try Checking.payloads(payloads, 1...Self.mostSlots), digest: message.digest)
    }
}

extension PushReceipt {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__PushReceipt> {
        arena.make(zoetrope__push_receipt__init) {
            $0.pointee.map = Int64(map)
            $0.pointee.step = Int64(step)
            $0.pointee.block = arena.block(block)
            $0.pointee.chunk = Int64(chunk)
            $0.pointee.verdict = UInt32(verdict.rawValue)
            $0.pointee.other = other
        }
    }

    init(_ message: Zoetrope__PushReceipt) throws(Fault) {
        self.init(
            map: try Checking.mapNumber(message.map), step: try Checking.number(message.step, "step"),
            block: try Checking.block(message.block), chunk: try Checking.number(message.chunk, "chunk"),
            verdict: try Self.verdict(message.verdict), other: message.other)
    }

    static func verdict(_ number: UInt32) throws(Fault) -> Verdict {
        guard let verdict = Verdict(rawValue: Int(number)) else {
            throw Checking.fault("verdict \(number) is unknown")
        }
        return verdict
    }
}

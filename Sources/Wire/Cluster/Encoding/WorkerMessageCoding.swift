import CWire
import Faults

extension WorkerMessage: FrameMessage {
    func encode(into frame: UnsafeMutablePointer<Zoetrope__Frame>, _ arena: Arena) -> [Payload] {
        var payloads: [Payload] = []
        func set(_ kind: Zoetrope__Frame__MessageCase) { frame.pointee.message_case = kind }
        switch self {
        case .hello(let hello):
            set(ZOETROPE__FRAME__MESSAGE_HELLO)
            frame.pointee.hello = hello.message(arena)
        case .ready(let ready):
            set(ZOETROPE__FRAME__MESSAGE_READY)
            frame.pointee.ready = ready.message(arena)
        case .heartbeat(let progress):
            set(ZOETROPE__FRAME__MESSAGE_HEARTBEAT)
            frame.pointee.heartbeat = progress.message(arena)
        case .blockComputed(let lease, let records):
            set(ZOETROPE__FRAME__MESSAGE_BLOCK_COMPUTED)
            frame.pointee.block_computed = arena.make(zoetrope__block_computed__init) {
                $0.pointee.lease = lease
                $0.pointee.n_records = records.count
                $0.pointee.records = arena.array(records.map { $0.message(arena) })
            }
        case .blockDelivered(let lease, let revision):
            set(ZOETROPE__FRAME__MESSAGE_BLOCK_DELIVERED)
            frame.pointee.block_delivered = arena.make(zoetrope__block_delivered__init) {
                $0.pointee.lease = lease
                $0.pointee.revision = Int64(revision)
            }
        case .blockFailed(let lease, let reason):
            set(ZOETROPE__FRAME__MESSAGE_BLOCK_FAILED)
            frame.pointee.block_failed = arena.make(zoetrope__block_failed__init) {
                $0.pointee.lease = lease
                $0.pointee.reason = arena.string(reason)
            }
        case .chunksReady(let map, let step, let chunks):
            set(ZOETROPE__FRAME__MESSAGE_CHUNKS_READY)
            frame.pointee.chunks_ready = arena.make(zoetrope__chunks_ready__init) {
                $0.pointee.map = Int64(map)
                $0.pointee.step = Int64(step)
                $0.pointee.n_chunks = chunks.count
                $0.pointee.chunks = arena.array(chunks.map { $0.message(arena) })
            }
        case .mapInstalled(let map, let chunks):
            set(ZOETROPE__FRAME__MESSAGE_MAP_INSTALLED)
            frame.pointee.map_installed = arena.make(zoetrope__map_installed__init) {
                $0.pointee.map = Int64(map)
                $0.pointee.n_chunks = chunks.count
                $0.pointee.chunks = arena.numbers(chunks.map(\.chunk))
                $0.pointee.n_digests = chunks.count
                $0.pointee.digests = arena.array(chunks.map(\.digest))
            }
        case .fetchCheckpoint(let map, let chunk):
            set(ZOETROPE__FRAME__MESSAGE_FETCH_CHECKPOINT)
            frame.pointee.fetch_checkpoint = arena.make(zoetrope__fetch_checkpoint__init) {
                $0.pointee.map = Int64(map)
                $0.pointee.chunk = Int64(chunk)
            }
        case .checkpointChunk(let state):
            set(ZOETROPE__FRAME__MESSAGE_CHECKPOINT_CHUNK)
            frame.pointee.checkpoint_chunk = state.message(map: 0, arena)
            payloads = state.slots
        case .chunkDigests(let map, let version, let chunks):
            set(ZOETROPE__FRAME__MESSAGE_CHUNK_DIGESTS)
            frame.pointee.chunk_digests = arena.make(zoetrope__chunk_digests__init) {
                $0.pointee.map = Int64(map)
                $0.pointee.version = Int64(version)
                $0.pointee.n_chunks = chunks.count
                $0.pointee.chunks = arena.numbers(chunks.map(\.chunk))
                $0.pointee.n_digests = chunks.count
                $0.pointee.digests = arena.array(chunks.map(\.digest))
            }
        case .leaving:
            set(ZOETROPE__FRAME__MESSAGE_LEAVING)
            frame.pointee.leaving = arena.make(zoetrope__nothing__init)
        case .suspect(let incarnation):
            set(ZOETROPE__FRAME__MESSAGE_SUSPECT)
            frame.pointee.suspect = incarnation
        case .alarm(let alarm):
            set(ZOETROPE__FRAME__MESSAGE_ALARM)
            frame.pointee.alarm = alarm.message(arena)
        case .replicasDiffer(let divergence):
            set(ZOETROPE__FRAME__MESSAGE_REPLICAS_DIFFER)
            frame.pointee.replicas_differ = divergence.message(arena)
        }
        return payloads
    }

    init(decoding frame: Zoetrope__Frame, _ payloads: [Payload]) throws(Fault) {
        if frame.message_case != ZOETROPE__FRAME__MESSAGE_CHECKPOINT_CHUNK {
            _ = try Checking.payloads(payloads, 0...0)
        }
        switch frame.message_case {
        case ZOETROPE__FRAME__MESSAGE_HELLO:
            let hello = try Checking.present(frame.hello, "the greeting")
            self = .hello(try Hello(hello, version: frame.version))
        case ZOETROPE__FRAME__MESSAGE_READY:
            self = .ready(try Ready(try Checking.present(frame.ready, "ready")))
        case ZOETROPE__FRAME__MESSAGE_HEARTBEAT:
            self = .heartbeat(try Progress(try Checking.present(frame.heartbeat, "the heartbeat")))
        case ZOETROPE__FRAME__MESSAGE_BLOCK_COMPUTED:
            let computed = try Checking.present(frame.block_computed, "the block")
            let records = try Checking.list(computed.records, computed.n_records) { record throws(Fault) in
                try UnitRecord(record)
            }
            self = .blockComputed(lease: computed.lease, records: records)
        case ZOETROPE__FRAME__MESSAGE_BLOCK_DELIVERED:
            let delivered = try Checking.present(frame.block_delivered, "the block")
            self = .blockDelivered(
                lease: delivered.lease, revision: try Checking.number(delivered.revision, "revision"))
        case ZOETROPE__FRAME__MESSAGE_BLOCK_FAILED:
            let failed = try Checking.present(frame.block_failed, "the block")
            self = .blockFailed(lease: failed.lease, reason: Checking.line(failed.reason))
        case ZOETROPE__FRAME__MESSAGE_CHUNKS_READY:
            let ready = try Checking.present(frame.chunks_ready, "the chunks")
            let chunks = try Checking.list(ready.chunks, ready.n_chunks) { chunk throws(Fault) in
                try ReadyChunk(chunk)
            }
            self = .chunksReady(
                map: try Checking.mapNumber(ready.map), step: try Checking.number(ready.step, "step"),
                chunks: chunks)
        case ZOETROPE__FRAME__MESSAGE_MAP_INSTALLED:
            self = try Self.mapInstalled(try Checking.present(frame.map_installed, "the map"))
        case ZOETROPE__FRAME__MESSAGE_FETCH_CHECKPOINT:
            let fetch = try Checking.present(frame.fetch_checkpoint, "the request")
            self = .fetchCheckpoint(
                map: try Checking.mapNumber(fetch.map), chunk: try Checking.number(fetch.chunk, "chunk"))
        case ZOETROPE__FRAME__MESSAGE_CHECKPOINT_CHUNK:
            let state = try Checking.present(frame.checkpoint_chunk, "the chunk")
            self = .checkpointChunk(try ChunkState(state, payloads))
        case ZOETROPE__FRAME__MESSAGE_CHUNK_DIGESTS:
            let digests = try Checking.present(frame.chunk_digests, "the digests")
            self = .chunkDigests(
                map: try Checking.mapNumber(digests.map), version: try Checking.number(digests.version, "version"),
                chunks: try Self.digests(
                    digests.chunks, digests.n_chunks, digests.digests, digests.n_digests))
        case ZOETROPE__FRAME__MESSAGE_LEAVING: self = .leaving
        case ZOETROPE__FRAME__MESSAGE_SUSPECT: self = .suspect(frame.suspect)
        case ZOETROPE__FRAME__MESSAGE_ALARM: self = .alarm(try Alarm(try Checking.present(frame.alarm, "the alarm")))
        case ZOETROPE__FRAME__MESSAGE_REPLICAS_DIFFER:
            self = .replicasDiffer(try Divergence(try Checking.present(frame.replicas_differ, "the divergence")))
        default: throw FrameCoding.unexpected(frame, "a worker")
        }
    }

    private static func mapInstalled(_ message: Zoetrope__MapInstalled) throws(Fault) -> WorkerMessage {
        .mapInstalled(
            map: try Checking.mapNumber(message.map),
            chunks: try digests(message.chunks, message.n_chunks, message.digests, message.n_digests))
    }

    private static func digests(
        _ chunks: UnsafeMutablePointer<Int64>?, _ chunkCount: Int, _ digests: UnsafeMutablePointer<UInt64>?,
        _ digestCount: Int
    ) throws(Fault) -> [ChunkDigest] {
        let chunks = try Checking.numbers(chunks, chunkCount, "chunk")
        let digests = Checking.words(digests, digestCount)
        guard chunks.count == digests.count else {
            throw Checking.fault("\(chunks.count) chunks with \(digests.count) digests")
        }
        return zip(chunks, digests).map { ChunkDigest(chunk: $0, digest: $1) }
    }
}

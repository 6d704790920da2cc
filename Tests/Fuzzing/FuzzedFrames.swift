import Faults
public import Wire

/// Valid frames of every kind of message, damaged, for every decoder that bytes from a network reach.
public struct FuzzedFrames: Sendable {
    /// A way that frames come.
    public enum Door: String, CaseIterable, Sendable {
        case control, coordinator, request, reply, operatorReply, contentReply, ledger
    }

    public struct Input {
        public var header: [UInt8]
        public var payloads: [Payload]
        /// The door that the undamaged frame was for.
        public var door: Door
    }

    private typealias Bytes = (header: [UInt8], payloads: [Payload])

    private let seeds: [(door: Door, frame: Bytes)]
    private let headers: [[UInt8]]
    private let pool = PayloadPool()

    public init() {
        var seeds: [(Door, Bytes)] = []
        seeds += MessageSamples.worker.map { (.control, Self.plain(EncodedFrame(MessageSamples.frame($0)))) }
        seeds += MessageSamples.operatorRequests.map { (.control, Self.plain(EncodedFrame($0))) }
        seeds += MessageSamples.coordinator.map { (.coordinator, Self.plain(EncodedFrame(MessageSamples.frame($0)))) }
        seeds += MessageSamples.request.map { (.request, Self.plain(EncodedFrame(MessageSamples.frame($0)))) }
        seeds += MessageSamples.reply.map { (.reply, Self.plain(EncodedFrame(MessageSamples.frame($0)))) }
        seeds += MessageSamples.operatorReplies.map { (.operatorReply, Self.plain(EncodedFrame($0))) }
        for request in MessageSamples.contentRequests {
            for door in [Door.control, .request] { seeds.append((door, Self.plain(EncodedFrame(request)))) }
        }
        seeds += MessageSamples.contentReplies.map { (.contentReply, Self.plain(EncodedFrame($0))) }
        seeds.append((.ledger, (MessageSamples.record.encoded, [])))
        self.seeds = seeds
        headers = seeds.map(\.1.header)
    }

    /// How many valid frames the inputs are made of.
    public var count: Int { seeds.count }

    /// Input number `index`, the same for the same seed. Each valid frame has its turn.
    public func input(_ index: Int, seed: UInt64) -> Input {
        var generator = Generator(seed: seed, reader: 100, input: index)
        let (door, frame) = seeds[index % seeds.count]
        var input = Input(header: frame.header, payloads: frame.payloads, door: door)
        if generator.below(2) == 0, var fields = ProtobufFields(input.header) {
            for _ in 0...generator.below(3) { fields.change(headers, &generator) }
            input.header = fields.bytes
        } else {
            input.header = Mutator.mutated(input.header, headers, &generator)
        }
        switch generator.below(16) {
        case 0: input.payloads = []
        case 1: input.payloads += [pool.payload(copying: [UInt8](repeating: 7, count: generator.below(70)))]
        case 2: input.payloads = Array(repeating: pool.payload(copying: [UInt8]()), count: generator.below(18))
        default: break
        }
        return input
    }

    /// Gives the input to every door and judges what comes of it: understood, the same after another round through the
    /// encoder, or refused as bad data.
    public func verdict(_ input: Input) -> FuzzedReader.Verdict {
        var understood = false
        for door in Door.allCases {
            switch verdict(input, at: door) {
            case .read: understood = true
            case .refused: break
            case .wrong(let reason): return .wrong("\(door.rawValue): \(reason)")
            }
        }
        return understood ? .read : .refused
    }

    private func verdict(_ input: Input, at door: Door) -> FuzzedReader.Verdict {
        do throws(Fault) {
            let first = try Self.decoded(input.header, input.payloads, at: door)
            let second = try Self.decoded(first.again.header, first.again.payloads, at: door)
            guard first.text == second.text else { return .wrong("'\(first.text)' comes back as '\(second.text)'") }
            return .read
        } catch {
            guard error.code == .data, ["message", "ledger"].contains(error.thing), !error.reason.isEmpty else {
                return .wrong("a fault of another kind: \(error)")
            }
            return .refused
        }
    }

    private static func plain(_ frame: EncodedFrame) -> Bytes { (frame.header, frame.payloads) }

    /// A message in words, and encoded again.
    private static func decoded(
        _ header: [UInt8], _ payloads: [Payload], at door: Door
    ) throws(Fault) -> (text: String, again: Bytes) {
        let result: Result<(String, Bytes), Fault> = header.withUnsafeBytes { bytes in
            do throws(Fault) {
                switch door {
                case .control:
                    switch try ControlMessage(header: bytes, payloads: payloads) {
                    case .worker(let frame): return .success(("\(frame)", Self.plain(EncodedFrame(frame))))
                    case .operator(let request): return .success(("\(request)", Self.plain(EncodedFrame(request))))
                    case .content(let request): return .success(("\(request)", Self.plain(EncodedFrame(request))))
                    }
                case .coordinator:
                    let frame = try Frame<CoordinatorMessage>(header: bytes, payloads: payloads)
                    return .success(("\(frame)", Self.plain(EncodedFrame(frame))))
                case .request:
                    switch try DataMessage(header: bytes, payloads: payloads) {
                    case .shard(let frame): return .success(("\(frame)", Self.plain(EncodedFrame(frame))))
                    case .content(let request): return .success(("\(request)", Self.plain(EncodedFrame(request))))
                    }
                case .reply:
                    let frame = try Frame<ShardReply>(header: bytes, payloads: payloads)
                    return .success(("\(frame)", Self.plain(EncodedFrame(frame))))
                case .operatorReply:
                    let reply = try OperatorReply(header: bytes, payloads: payloads)
                    return .success(("\(reply)", Self.plain(EncodedFrame(reply))))
                case .contentReply:
                    let reply = try ContentReply(header: bytes, payloads: payloads)
                    return .success(("\(reply)", Self.plain(EncodedFrame(reply))))
                case .ledger:
                    let record = try LedgerRecord(decoding: bytes)
                    return .success(("\(record)", (record.encoded, [])))
                }
            } catch { return .failure(error) }
        }
        return try result.get()
    }
}

import Faults
import Randomness
import Testing
import Wire

@Suite("Messages in bytes")
struct MessageEncodingTests {
    /// Everything that the frame says but the payloads' bytes, which must be the very same objects.
    private func same<Message>(_ a: Frame<Message>, _ b: Frame<Message>) -> Bool { "\(a)" == "\(b)" }

    private func sameObjects(_ a: [Payload], _ b: [Payload]) -> Bool { a.elementsEqual(b, by: ===) }

    @Test("Every message from a worker comes back as it was")
    func workerMessages() throws {
        for message in MessageSamples.worker {
            let frame = MessageSamples.frame(message)
            let encoded = EncodedFrame(frame)
            guard case .worker(let decoded) = try control(encoded) else {
                Issue.record("taken for an operator's")
                continue
            }
            #expect(same(decoded, frame))
            #expect(EncodedFrame(decoded).header == encoded.header)
            #expect(sameObjects(EncodedFrame(decoded).payloads, encoded.payloads))
        }
    }

    @Test("Every message from a coordinator comes back as it was")
    func coordinatorMessages() throws {
        for message in MessageSamples.coordinator {
            let frame = MessageSamples.frame(message)
            let encoded = EncodedFrame(frame)
            let decoded = try encoded.header.withUnsafeBytes {
                try Frame<CoordinatorMessage>(header: $0, payloads: encoded.payloads)
            }
            #expect(same(decoded, frame))
            #expect(sameObjects(EncodedFrame(decoded).payloads, encoded.payloads))
        }
    }

    @Test("Every message to and from a shard comes back as it was")
    func shardMessages() throws {
        for message in MessageSamples.request {
            let frame = MessageSamples.frame(message)
            let encoded = EncodedFrame(frame)
            let decoded = try encoded.header.withUnsafeBytes {
                try Frame<ShardRequest>(header: $0, payloads: encoded.payloads)
            }
            #expect(same(decoded, frame))
            #expect(sameObjects(EncodedFrame(decoded).payloads, encoded.payloads))
        }
        for message in MessageSamples.reply {
            let frame = MessageSamples.frame(message)
            let encoded = EncodedFrame(frame)
            let decoded = try encoded.header.withUnsafeBytes {
                try Frame<ShardReply>(header: $0, payloads: encoded.payloads)
            }
            #expect(same(decoded, frame))
            #expect(sameObjects(EncodedFrame(decoded).payloads, encoded.payloads))
        }
    }

    @Test("What operators ask and hear comes back as it was")
    func operatorMessages() throws {
        for request in MessageSamples.operatorRequests {
            guard case .operator(let decoded) = try control(EncodedFrame(request)) else {
                Issue.record("taken for a worker's")
                continue
            }
            #expect(decoded == request)
        }
        for reply in MessageSamples.operatorReplies {
            let encoded = EncodedFrame(reply)
            #expect(try encoded.header.withUnsafeBytes { try OperatorReply(header: $0, payloads: []) } == reply)
        }
    }

    @Test("A ledger record comes back to the bit")
    func ledgerRecord() throws {
        let bytes = MessageSamples.record.encoded
        let decoded = try bytes.withUnsafeBytes { try LedgerRecord(decoding: $0) }
        #expect(decoded == MessageSamples.record)
        var nan = MessageSamples.record
        nan.outcome.loss = .nan
        let again = try nan.encoded.withUnsafeBytes { try LedgerRecord(decoding: $0) }
        #expect(again.outcome.matches(nan.outcome))
    }

    @Test("A header is small: what is not a tensor does not weigh")
    func size() {
        let push = MessageSamples.frame(MessageSamples.request[1])
        #expect(EncodedFrame(push).header.count < 100)
    }

    @Test("A message of the other direction is refused")
    func directions() throws {
        let fromCoordinator = EncodedFrame(MessageSamples.frame(MessageSamples.coordinator[4]))
        #expect(throws: Fault.self) { try control(fromCoordinator) }
        for message in MessageSamples.worker.compactMap({ $0 }) {
            let encoded = EncodedFrame(MessageSamples.frame(message))
            encoded.header.withUnsafeBytes { header in
                _ = #expect(throws: Fault.self) {
                    try Frame<CoordinatorMessage>(header: header, payloads: encoded.payloads)
                }
                _ = #expect(throws: Fault.self) { try Frame<ShardRequest>(header: header, payloads: encoded.payloads) }
            }
        }
    }

    @Test("A greeting of another version is understood, so that it can be refused in words; nothing else of it is")
    func versions() throws {
        var hello = Hello(
            version: 9, name: "a", host: "b", process: 1, threads: 1, endpoint: "tcp://c:1", product: "2.0")
        let greeting = EncodedFrame(MessageSamples.frame(WorkerMessage.hello(hello)))
        guard case .worker(let frame) = try control(greeting), case .hello(let read)? = frame.message else {
            Issue.record("the greeting is not understood")
            return
        }
        #expect(read == hello)
        hello.version = 1
        // The same bytes as a message that is no greeting: the version field is the frame's second.
        var other = EncodedFrame(MessageSamples.frame(WorkerMessage.leaving))
        try #require(other.header[5...6].elementsEqual([0x10, UInt8(Hello.protocolVersion)]))
        other.header[6] = 9
        let fault = #expect(throws: Fault.self) { try control(other) }
        #expect(fault?.reason.contains("version 9") == true)
    }

    @Test("Raw parts that are missing, too many, or no whole numbers are refused")
    func payloadCounts() throws {
        let push = EncodedFrame(MessageSamples.frame(MessageSamples.request[1]))
        let odd = PayloadPool().payload(copying: [1, 2, 3] as [UInt8])
        for payloads in [[], push.payloads + push.payloads, [odd]] {
            push.header.withUnsafeBytes { header in
                _ = #expect(throws: Fault.self) { try Frame<ShardRequest>(header: header, payloads: payloads) }
            }
        }
        let probe = EncodedFrame(MessageSamples.frame(MessageSamples.request[0]))
        probe.header.withUnsafeBytes { header in
            _ = #expect(throws: Fault.self) { try Frame<ShardRequest>(header: header, payloads: push.payloads) }
        }
    }

    private func control(_ encoded: EncodedFrame) throws -> ControlMessage {
        try encoded.header.withUnsafeBytes { try ControlMessage(header: $0, payloads: encoded.payloads) }
    }
}

@Suite("Hostile bytes")
struct HostileBytesTests {
    /// All samples in bytes.
    private var samples: [EncodedFrame] {
        MessageSamples.worker.map { EncodedFrame(MessageSamples.frame($0)) }
            + MessageSamples.coordinator.map { EncodedFrame(MessageSamples.frame($0)) }
            + MessageSamples.request.map { EncodedFrame(MessageSamples.frame($0)) }
            + MessageSamples.reply.map { EncodedFrame(MessageSamples.frame($0)) }
            + MessageSamples.operatorRequests.map { EncodedFrame($0) }
            + MessageSamples.operatorReplies.map { EncodedFrame($0) }
    }

    /// How many of the decoders take the bytes. What they take they must have checked: it encodes again.
    private func decoders(_ header: [UInt8], _ payloads: [Payload]) -> Int {
        header.withUnsafeBytes { bytes in
            var taken = 0
            if let control = try? ControlMessage(header: bytes, payloads: payloads) {
                taken += 1
                if case .worker(let frame) = control { _ = EncodedFrame(frame) }
            }
            if let frame = try? Frame<CoordinatorMessage>(header: bytes, payloads: payloads) {
                taken += 1
                _ = EncodedFrame(frame)
            }
            if let frame = try? Frame<ShardRequest>(header: bytes, payloads: payloads) {
                taken += 1
                _ = EncodedFrame(frame)
            }
            if let frame = try? Frame<ShardReply>(header: bytes, payloads: payloads) {
                taken += 1
                _ = EncodedFrame(frame)
            }
            if (try? OperatorReply(header: bytes, payloads: payloads)) != nil { taken += 1 }
            _ = try? LedgerRecord(decoding: bytes)
            return taken
        }
    }

    @Test("Every message cut at every byte is refused or understood, never fatal")
    func truncated() {
        for sample in samples {
            for length in 0..<sample.header.count {
                _ = decoders(Array(sample.header[..<length]), sample.payloads)
            }
        }
        #expect(decoders([], []) == 0)
    }

    @Test("Damaged messages are refused or understood, never fatal", arguments: 0..<8 as Range<UInt64>)
    func damaged(seed: UInt64) {
        let samples = samples
        var taken = 0
        for round in 0..<2000 {
            let draws = Draws(seed: seed, place: UInt64(round), purpose: .simulation)
            let sample = samples[draws.integer(0, below: samples.count)]
            var header = sample.header
            for change in 0...draws.integer(1, below: 4) {
                let at = draws.integer(2 + 3 * change, below: max(1, header.count))
                let byte = UInt8(truncatingIfNeeded: draws.word(3 + 3 * change))
                guard at < header.count else { continue }
                switch draws.integer(4 + 3 * change, below: 3) {
                case 0: header[at] = byte
                case 1: header.insert(byte, at: at)
                default: header.remove(at: at)
                }
            }
            taken += decoders(header, sample.payloads)
        }
        // Damage to a name or a number is no damage to the form: some must get through, or nothing was tried.
        #expect(taken > 0, "seed \(seed)")
    }

    @Test("Random bytes are no message", arguments: 0..<4 as Range<UInt64>)
    func random(seed: UInt64) {
        for round in 0..<2000 {
            let draws = Draws(seed: seed, place: UInt64(round), purpose: .simulation)
            let bytes = (0..<draws.integer(0, below: 200)).map { UInt8(truncatingIfNeeded: draws.word($0 + 1)) }
            #expect(decoders(bytes, []) == 0, "seed \(seed) round \(round)")
        }
    }

    @Test("Few bytes that claim to be much are refused before the memory is there")
    func bomb() throws {
        // A frame with a status of a million empty members: two bytes each, a hundred or more unpacked.
        let start = EncodedFrame(OperatorReply.done("")).header
        let prefix = Array(start[..<(start.count - 3)])
        for count in [10, 1_000_000] {
            let members = [UInt8](repeating: 0, count: 2 * count).indices.map { $0 % 2 == 0 ? UInt8(0x3A) : 0 }
            let bytes = prefix + [0xC2, 0x07] + variable(members.count) + members
            let result = Result { try bytes.withUnsafeBytes { try OperatorReply(header: $0, payloads: []) } }
            switch result {
            case .success(.status(let status)):
                #expect(count == 10)
                #expect(status.members.count == 10)
            case .success: Issue.record("another message")
            case .failure(let error): #expect(count != 10, "\(error)")
            }
        }
    }

    private func variable(_ value: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    @Test("Texts for people bring no control characters to a terminal or a log")
    func lines() throws {
        let hello = Hello(
            name: "a\u{1B}[2J\nzoetrope: all is well\u{202E}", host: String(repeating: "x", count: 100_000), process: 1,
            threads: 1, endpoint: "", product: "")
        let encoded = EncodedFrame(MessageSamples.frame(WorkerMessage.hello(hello)))
        let decoded = try encoded.header.withUnsafeBytes { try ControlMessage(header: $0, payloads: []) }
        guard case .worker(let frame) = decoded, case .hello(let read)? = frame.message else {
            Issue.record("no greeting")
            return
        }
        #expect(read.name == "a\u{FFFD}[2J\u{FFFD}zoetrope: all is well\u{FFFD}")
        #expect(read.host.count == 4096)
    }

    @Test("Numbers that would overflow or are negative are refused")
    func numbers() {
        // Map numbers carry the generation in their upper half, so they may be large; the largest may not.
        for value in [Int.min, -1, Int.max] {
            let map = OwnershipMap(number: value, version: 0, owners: [], buddies: [], sources: [], members: [])
            let header = EncodedFrame(MessageSamples.frame(CoordinatorMessage.map(map))).header
            header.withUnsafeBytes { bytes in
                _ = #expect(throws: Fault.self) { try Frame<CoordinatorMessage>(header: bytes, payloads: []) }
            }
        }
        for value in [Int.min, -1, 1 << 45, Int.max] {
            let lease = Lease(id: 1, map: 0, step: value, block: MessageSamples.block)
            let messages: [CoordinatorMessage] = [
                .lease(lease), .checkpoint(version: 0, chunks: [1, value]), .stop(code: value, reason: ""),
            ]
            for message in messages {
                let header = EncodedFrame(MessageSamples.frame(message)).header
                header.withUnsafeBytes { bytes in
                    _ = #expect(throws: Fault.self) { try Frame<CoordinatorMessage>(header: bytes, payloads: []) }
                }
            }
        }
    }
}

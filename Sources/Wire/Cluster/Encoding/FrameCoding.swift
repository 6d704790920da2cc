import CWire
public import Faults

/// A frame as it goes into a socket: a header part and the raw parts behind it.
public struct EncodedFrame: Sendable {
    public var header: [UInt8]
    public var payloads: [Payload]
}

/// A kind of message that a frame may carry: each direction has its own, and refuses the others'.
protocol FrameMessage: Sendable {
    /// Sets the frame's case; gives the raw parts.
    func encode(into frame: UnsafeMutablePointer<Zoetrope__Frame>, _ arena: Arena) -> [Payload]

    /// - Parameter frame: Its magic and version are right, and it has a message.
    /// - Throws: `Fault` when the message is not of this direction or not whole.
    init(decoding frame: Zoetrope__Frame, _ payloads: [Payload]) throws(Fault)
}

enum FrameCoding {
    /// "Zoet" in little-endian order: the first thing that is looked at.
    static let magic: UInt32 = 0x7465_6F5A

    static func encode<Message: FrameMessage>(_ frame: Frame<Message>, version: Int = Hello.protocolVersion)
        -> EncodedFrame
    {
        let arena = Arena()
        var payloads: [Payload] = []
        let packed = arena.make(zoetrope__frame__init) {
            $0.pointee.magic = magic
            $0.pointee.version = UInt32(clamping: version)
            $0.pointee.sender = frame.sender
            $0.pointee.receiver = frame.receiver
            $0.pointee.session = frame.session
            $0.pointee.sequence = frame.sequence
            $0.pointee.received = frame.received
            $0.pointee.missing = frame.missing ? 1 : 0
            if let message = frame.message { payloads = message.encode(into: $0, arena) }
            $0.pointee.payloads = UInt32(payloads.count)
        }
        let header = withExtendedLifetime(arena) {
            [UInt8](unsafeUninitializedCapacity: zoetrope__frame__get_packed_size(packed)) { buffer, count in
                count = zoetrope__frame__pack(packed, buffer.baseAddress)
            }
        }
        return EncodedFrame(header: header, payloads: payloads)
    }

    /// Unpacks the header and gives it to `body`; its C memory is gone afterwards.
    static func withFrame<Result>(
        _ header: UnsafeRawBufferPointer, _ payloads: [Payload], _ body: (Zoetrope__Frame) throws(Fault) -> Result
    ) throws(Fault) -> Result {
        let memory = BoundedMemory(for: header.count)
        let result: Swift.Result<Result, Fault> = memory.withAllocator { allocator in
            let bytes = header.bindMemory(to: UInt8.self)
            guard let frame = zoetrope__frame__unpack(allocator, bytes.count, bytes.baseAddress) else {
                return .failure(Checking.fault("these bytes are no message of ours"))
            }
            defer { zoetrope__frame__free_unpacked(frame, allocator) }
            do throws(Fault) {
                try check(frame.pointee, payloads)
                return .success(try body(frame.pointee))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func check(_ frame: Zoetrope__Frame, _ payloads: [Payload]) throws(Fault) {
        guard frame.magic == magic else {
            throw Fault(
                .data, "message", "the peer does not speak the protocol of zoetrope",
                mend: "check the address and the port")
        }
        // A greeting and its refusal are understood across versions, so that the reason can be told.
        let open = [ZOETROPE__FRAME__MESSAGE_HELLO, ZOETROPE__FRAME__MESSAGE_REFUSE].contains(frame.message_case)
        guard open || frame.version == Hello.protocolVersion else {
            throw Fault(
                .data, "message",
                "the peer speaks version \(frame.version) of the protocol, this is "
                    + "\(Hello.protocolVersion)", mend: "run the same release everywhere")
        }
        guard Int(frame.payloads) == payloads.count else {
            throw Checking.fault("\(payloads.count) raw parts where \(frame.payloads) were announced")
        }
    }

    static func decode<Message: FrameMessage>(
        _: Message.Type, _ header: UnsafeRawBufferPointer, _ payloads: [Payload]
    ) throws(Fault) -> Frame<Message> {
        try withFrame(header, payloads) { frame throws(Fault) in try convert(frame, payloads) }
    }

    static func convert<Message: FrameMessage>(
        _ frame: Zoetrope__Frame, _ payloads: [Payload]
    ) throws(Fault) -> Frame<Message> {
        var message: Message?
        if frame.message_case != ZOETROPE__FRAME__MESSAGE__NOT_SET {
            message = try Message(decoding: frame, payloads)
        } else {
            _ = try Checking.payloads(payloads, 0...0)
        }
        guard frame.sequence < 1 << 62, frame.received < 1 << 62 else {
            throw Checking.fault("number \(max(frame.sequence, frame.received)) is out of range")
        }
        return Frame(
            sender: frame.sender, receiver: frame.receiver, sequence: frame.sequence, received: frame.received,
            missing: frame.missing != 0, session: frame.session, message: message)
    }

    static func unexpected(_ frame: Zoetrope__Frame, _ direction: String) -> Fault {
        Checking.fault("message \(frame.message_case.rawValue) does not belong on the way from \(direction)")
    }
}

extension EncodedFrame {
    public init(_ frame: Frame<WorkerMessage>) {
        var version = Hello.protocolVersion
        if case .hello(let hello)? = frame.message { version = hello.version }
        self = FrameCoding.encode(frame, version: version)
    }

    public init(_ frame: Frame<CoordinatorMessage>) { self = FrameCoding.encode(frame) }
    public init(_ frame: Frame<ShardRequest>) { self = FrameCoding.encode(frame) }
    public init(_ frame: Frame<ShardReply>) { self = FrameCoding.encode(frame) }
    public init(_ request: OperatorRequest) { self = FrameCoding.encode(Self.unnumbered(request)) }
    public init(_ reply: OperatorReply) { self = FrameCoding.encode(Self.unnumbered(reply)) }
    public init(_ request: ContentRequest) { self = FrameCoding.encode(Self.unnumbered(request)) }
    public init(_ reply: ContentReply) { self = FrameCoding.encode(Self.unnumbered(reply)) }

    private static func unnumbered<Message>(_ message: Message) -> Frame<Message> {
        Frame(sender: 0, receiver: 0, sequence: 0, received: 0, message: message)
    }
}

extension Frame<CoordinatorMessage> {
    /// - Throws: `Fault.data` for anything but a whole message from a coordinator; never traps, never allocates what
    ///   the bytes merely claim.
    public init(header: UnsafeRawBufferPointer, payloads: [Payload]) throws(Fault) {
        self = try FrameCoding.decode(CoordinatorMessage.self, header, payloads)
    }
}

extension Frame<ShardRequest> {
    /// - Throws: `Fault.data` for anything but a whole message from a worker to a shard.
    public init(header: UnsafeRawBufferPointer, payloads: [Payload]) throws(Fault) {
        self = try FrameCoding.decode(ShardRequest.self, header, payloads)
    }
}

extension Frame<ShardReply> {
    /// - Throws: `Fault.data` for anything but a whole message from a shard.
    public init(header: UnsafeRawBufferPointer, payloads: [Payload]) throws(Fault) {
        self = try FrameCoding.decode(ShardReply.self, header, payloads)
    }
}

/// What arrives at a worker's shard: other workers' requests, and those of whoever needs clips.
public enum DataMessage: Sendable {
    case shard(Frame<ShardRequest>)
    case content(ContentRequest)

    /// - Throws: `Fault.data` for anything but a whole message from a worker to another.
    public init(header: UnsafeRawBufferPointer, payloads: [Payload]) throws(Fault) {
        self = try FrameCoding.withFrame(header, payloads) { frame throws(Fault) in
            if frame.message_case == ContentRequest.messageCase {
                return .content(try ContentRequest(decoding: frame, payloads))
            }
            return .shard(try FrameCoding.convert(frame, payloads))
        }
    }
}

/// What arrives at a coordinator: workers and operators share its port.
public enum ControlMessage: Sendable {
    case worker(Frame<WorkerMessage>)
    case `operator`(OperatorRequest)
    /// Of a worker that needs clips, on a connection of its own.
    case content(ContentRequest)

    /// - Throws: `Fault.data` for anything but a whole message from a worker or an operator.
    public init(header: UnsafeRawBufferPointer, payloads: [Payload]) throws(Fault) {
        self = try FrameCoding.withFrame(header, payloads) { frame throws(Fault) in
            if OperatorRequest.cases.contains(frame.message_case) {
                return .operator(try OperatorRequest(decoding: frame, payloads))
            }
            if frame.message_case == ContentRequest.messageCase {
                return .content(try ContentRequest(decoding: frame, payloads))
            }
            return .worker(try FrameCoding.convert(frame, payloads))
        }
    }
}

extension OperatorReply {
    /// - Throws: `Fault.data` for anything but a whole answer to an operator.
    public init(header: UnsafeRawBufferPointer, payloads: [Payload]) throws(Fault) {
        self = try FrameCoding.withFrame(header, payloads) { frame throws(Fault) in
            try OperatorReply(decoding: frame, payloads)
        }
    }
}

extension ContentReply {
    /// - Throws: `Fault.data` for anything but a whole answer to whoever needs clips.
    public init(header: UnsafeRawBufferPointer, payloads: [Payload]) throws(Fault) {
        self = try FrameCoding.withFrame(header, payloads) { frame throws(Fault) in
            try ContentReply(decoding: frame, payloads)
        }
    }
}

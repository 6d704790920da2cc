import Wire

/// A message of few bytes: its header, and what stands behind it, which is copied when it is sent.
public typealias MessageParts = (header: [UInt8], payloads: [[UInt8]])

extension Listener {
    public func send(_ parts: MessageParts, to peer: Peer) -> SendOutcome {
        send(to: peer, header: parts.header, payloads: parts.payloads.map { memory.payload(copying: $0) })
    }
}

extension Connection {
    public func send(_ parts: MessageParts) -> SendOutcome {
        send(header: parts.header, payloads: parts.payloads.map { memory.payload(copying: $0) })
    }
}

private let memory = PayloadPool()

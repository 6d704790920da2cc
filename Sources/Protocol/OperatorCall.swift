public import Faults
public import Wire

/// Asks a coordinator something, and waits for the answer: what `status`, `drain` and `stop` do. Blocks.
///
/// - Parameters:
///   - endpoint: `tcp://HOST:PORT`, what `RUN/endpoint` holds.
///   - security: With the keys of an operator, where the run has keys.
/// - Throws: `Fault.stoppedEarly` when nobody answers within `seconds`; `Fault.usage` for no address, or when the
///   coordinator does not know our key; `Fault.data` when what answers is no coordinator of ours.
public func ask(
    _ request: OperatorRequest, of endpoint: String, security: Security = .loopback, seconds: Double = 5
) throws(Fault) -> OperatorReply {
    let connection = try Connection(try Context(security: security), endpoint: endpoint)
    let poller = Poller()
    poller.watch(connection)
    let clock = MonotonicClock()
    let encoded = EncodedFrame(request)
    while clock.now < seconds {
        while let event = connection.next() {
            switch event {
            case .connected: _ = connection.send(header: encoded.header, payloads: encoded.payloads)
            case .disconnected: break
            case .message(let header, let payloads):
                return try header.withBytes { bytes throws(Fault) in
                    try OperatorReply(header: bytes, payloads: payloads)
                }
            }
        }
        if let refusal = connection.refusal { throw refusal }
        poller.wait(milliseconds: max(1, Int((seconds - clock.now) * 1000)))
    }
    if !connection.isConnected, let problem = connection.handshakeProblem { throw problem }
    guard !connection.isConnected else {
        throw Fault(.stoppedEarly, endpoint, "the coordinator does not answer", mend: "ask again in a while")
    }
    throw Fault(
        .stoppedEarly, endpoint, "no coordinator listens there",
        mend: "the run is over or was stopped: its command, given again, says which; or its coordinator is elsewhere: "
            + "the run's file 'endpoint' has the address")
}

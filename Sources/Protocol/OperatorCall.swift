public import Faults
public import Wire

/// Asks a coordinator something, and waits for the answer: what `status`, `drain` and `stop` do. Blocks.
///
/// - Parameter endpoint: `tcp://HOST:PORT`, what `RUN/endpoint` holds.
/// - Throws: `Fault.stoppedEarly` when nobody answers within `seconds`; `Fault.usage` for no address; `Fault.data` when
///   what answers is no coordinator of ours.
public func ask(
    _ request: OperatorRequest, of endpoint: String, seconds: Double = 5
) throws(Fault) -> OperatorReply {
    let connection = try Connection(try Context(), endpoint: endpoint)
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
                return try OperatorReply(header: UnsafeRawBufferPointer(header.bytes), payloads: payloads)
            }
        }
        poller.wait(milliseconds: max(1, Int((seconds - clock.now) * 1000)))
    }
    throw Fault(
        .stoppedEarly, endpoint,
        connection.isConnected ? "the coordinator does not answer" : "no coordinator listens there",
        mend: "look into the run's file 'endpoint' for its address")
}

internal import CZeroMQ
public import Faults
public import Wire

/// Asks a coordinator one question: what `status`, `drain` and `stop` do.
public enum OperatorClient {
    /// The answer to `request`.
    /// - Parameter patience: Seconds to wait for it.
    /// - Throws: `Fault.usage` when nobody answers at the endpoint, or the answer is not a coordinator's.
    public static func ask(
        _ endpoint: String, _ request: OperatorRequest, patience: Double = 5
    ) throws(Fault) -> OperatorReply {
        let connection = try Connection(try Context(), endpoint: endpoint)
        let poller = Poller()
        poller.watch(connection)
        let clock = MonotonicClock()
        let deadline = clock.now + patience
        let question = EncodedFrame(request)
        while clock.now < deadline {
            switch connection.next() {
            case .connected?:
                guard connection.send(header: question.header, payloads: question.payloads) == .sent else { continue }
            case .message(let header, let payloads)?:
                return try OperatorReply(header: UnsafeRawBufferPointer(header.bytes), payloads: payloads)
            case .disconnected?: continue
            case nil: poller.wait(milliseconds: max(1, Int((deadline - clock.now) * 1000)))
            }
        }
        throw Fault(
            .usage, endpoint, "no coordinator answers there",
            mend: "RUN/endpoint holds the address of a coordinator that runs")
    }

    /// The version of the ZeroMQ library that is loaded.
    public static var libraryVersion: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }
}

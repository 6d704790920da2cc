public import Faults
import Glibc
import Synchronization
import Threads
import Wire

/// How fast two processes' sockets are: a sender with a few parts under way, and a receiver that says what it got, each with
/// a thread and a context of its own, over loopback. What a cluster's link would do at best with a network of no cost.
public struct NetworkBench: Sendable {
    public let bytes: Int
    public let seconds: Double
    /// Of both ends and ZeroMQ's threads together.
    public let processorSeconds: Double

    public var bytesPerSecond: Double { Double(bytes) / seconds }

    /// Sends parts of `part` bytes over loopback for about `seconds`, after one that warms up. Blocks.
    /// - Parameters:
    ///   - listener: Of the receiving end: a worker's, as for its shard.
    ///   - sender: Of the other end, another worker's.
    ///   - underWay: Parts that are sent before the first of them is answered; one at a time shows how long an answer takes.
    public init(
        listener: Security, sender: Security, part: Int, seconds: Double, underWay: Int = 8
    ) throws(Fault) {
        let receiver = try Receiver(listener, endpoint: "tcp://127.0.0.1:*")
        defer { receiver.stop() }
        self = try Self(
            sender: sender, endpoint: receiver.endpoint, to: .worker, part: part, seconds: seconds, underWay: underWay)
    }

    /// Which way the parts go over the connection that the sender makes.
    public enum Direction: Sendable {
        /// From the sender.
        case there
        /// To the sender, which asks for each.
        case back
    }

    /// Sends to a `Receiver`, which may be on another machine, or lets that send. Blocks.
    /// - Parameters:
    ///   - role: Who listens there.
    ///   - part: Bytes of a part, of `largestBack` at most where it is to come back.
    ///   - patience: Seconds behind `seconds` after which somebody who does not answer is given up.
    /// - Throws: `Fault` when nobody answers, or the keys do not fit.
    public init(
        sender: Security, endpoint: String, to role: Role, _ direction: Direction = .there, part: Int, seconds: Double,
        underWay: Int = 8, patience: Double = 20
    ) throws(Fault) {
        let connection = try Connection(try Context(security: sender), endpoint: endpoint, to: role)
        self = try Self.send(
            connection, direction, part: part, seconds: seconds, underWay: underWay, patience: patience
        ).get()
    }

    /// Bytes of a part that a `Receiver` sends: no peer makes it allocate more.
    public static let largestBack = 4 << 20

    /// The header of a message that is answered by one without a payload, or of one that asks for a payload of so many bytes.
    private static func question(_ direction: Direction, part: Int) -> [UInt8] {
        switch direction {
        case .there: [1]
        case .back: [3] + (0..<4).map { UInt8(truncatingIfNeeded: part >> (8 * $0)) }
        }
    }

    /// Bytes that a question asks for; nil for any other message.
    fileprivate static func wish(_ question: UnsafeRawBufferPointer) -> Int? {
        guard question.count == 5, question[0] == 3 else { return nil }
        let count = (0..<4).reduce(0) { $0 | Int(question[1 + $1]) << (8 * $1) }
        return count <= largestBack ? count : nil
    }

    private init(bytes: Int, seconds: Double, processorSeconds: Double) {
        self.bytes = bytes
        self.seconds = seconds
        self.processorSeconds = processorSeconds
    }

    private static func send(
        _ connection: Connection, _ direction: Direction, part: Int, seconds: Double, underWay: Int, patience: Double
    ) -> Result<NetworkBench, Fault> {
        let poller = Poller()
        poller.watch(connection)
        let header = question(direction, part: part)
        let payloads = direction == .there ? [filledPayload(part)] : []
        let clock = MonotonicClock()
        var (sent, received) = (0, 0)
        var start: (time: Double, processor: Double)?
        while true {
            while let event = connection.next() {
                guard case .message(_, let parts) = event else { continue }
                guard direction == .there || parts.map(\.count) == [part] else {
                    return .failure(
                        Fault(.usage, connection.endpoint, "sends something else than it was asked for", mend: ""))
                }
                received += 1
            }
            if start == nil, received > 0 { start = (clock.now, processorSeconds()) }
            if let start, clock.now - start.time >= seconds, received > 1 {
                return .success(
                    NetworkBench(
                        bytes: (received - 1) * part, seconds: clock.now - start.time,
                        processorSeconds: processorSeconds() - start.processor))
            }
            guard clock.now < seconds + patience else {
                let fault = Fault(
                    .usage, connection.endpoint, "nobody answers there",
                    mend: "check the address, and that no firewall is between the two machines")
                return .failure(connection.handshakeProblem ?? fault)
            }
            // One alone warms up.
            while sent - received < (start == nil ? 1 : underWay),
                connection.send(header: header, payloads: payloads) == .sent
            { sent += 1 }
            poller.wait(milliseconds: 10)
        }
    }

    fileprivate static func filledPayload(_ count: Int) -> Payload {
        let payload = PayloadPool().payload(count: count)
        payload.bytes.initializeMemory(as: UInt8.self, repeating: 0x5A)
        return payload
    }

    private static func processorSeconds() -> Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

extension NetworkBench {
    /// The end that receives and says so, or sends what it is asked for, on a thread of its own.
    public final class Receiver: Sendable {
        private let listener: Confined<Listener>
        private let isOver: IsOver
        private let thread: DedicatedThread
        /// Where it listens.
        public let endpoint: String

        private final class IsOver: Sendable { let value = Atomic(false) }

        /// Listens at once.
        /// - Parameter endpoint: `tcp://HOST:PORT`; port `*` or 0 takes a free one.
        /// - Throws: `Fault` when the port is taken, or the address is not one of this machine's.
        public init(_ security: Security, endpoint: String) throws(Fault) {
            let confined = Confined(try Listener(try Context(security: security), endpoint: endpoint))
            let isOver = IsOver()
            self.endpoint = confined.value.endpoint
            (listener, self.isOver) = (confined, isOver)
            thread = DedicatedThread(name: "receiver") {
                let poller = Poller()
                poller.watch(confined.value)
                var part = filledPayload(1)
                while !isOver.value.load(ordering: .relaxed) {
                    while let event = confined.value.next() {
                        guard case .message(let peer, let header, _) = event else { continue }
                        guard let wish = wish(UnsafeRawBufferPointer(header.bytes)) else {
                            _ = confined.value.send(to: peer, header: [2])
                            continue
                        }
                        if part.count != wish { part = filledPayload(wish) }
                        _ = confined.value.send(to: peer, header: [2], payloads: [part])
                    }
                    poller.wait(milliseconds: 10)
                }
            }
        }

        /// Ends the thread; the port is free again when this object is gone.
        public func stop() {
            isOver.value.store(true, ordering: .relaxed)
            thread.join()
        }
    }
}

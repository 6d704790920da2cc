public import Faults
import Glibc
import Synchronization
import Wire

/// How fast two processes' sockets are: a sender with a few parts under way, and a receiver that says what it got, each with
/// a thread and a context of its own, over loopback. What a cluster's link would do at best with a network of no cost.
public struct NetworkBench: Sendable {
    public let bytes: Int
    public let seconds: Double
    /// Of both ends and ZeroMQ's threads together.
    public let processorSeconds: Double

    public var bytesPerSecond: Double { Double(bytes) / seconds }

    /// Sends parts of `part` bytes for about `seconds`, after one that warms up. Blocks.
    /// - Parameters:
    ///   - listener: Of the receiving end: a worker's, as for its shard.
    ///   - sender: Of the other end, another worker's.
    public init(listener: Security, sender: Security, part: Int, seconds: Double) throws(Fault) {
        let receiving = try Receiving(security: listener)
        let connection = try Connection(
            try Context(security: sender), endpoint: receiving.endpoint, to: .worker)
        let thread = receiving.start()
        let outcome = Self.send(connection, part: part, seconds: seconds)
        receiving.stop()
        thread.join()
        self = try outcome.get()
    }

    private init(bytes: Int, seconds: Double, processorSeconds: Double) {
        self.bytes = bytes
        self.seconds = seconds
        self.processorSeconds = processorSeconds
    }

    /// Parts under way at once.
    private static let window = 8

    private static func send(_ connection: Connection, part: Int, seconds: Double) -> Result<NetworkBench, Fault> {
        let poller = Poller()
        poller.watch(connection)
        let payload = PayloadPool().payload(count: part)
        payload.bytes.initializeMemory(as: UInt8.self, repeating: 0x5A)
        let clock = MonotonicClock()
        var (sent, received) = (0, 0)
        var start: (time: Double, processor: Double)?
        while true {
            while let event = connection.next() { if case .message = event { received += 1 } }
            if start == nil, received > 0 { start = (clock.now, processorSeconds()) }
            if let start, clock.now - start.time >= seconds, received > 1 {
                return .success(
                    NetworkBench(
                        bytes: (received - 1) * part, seconds: clock.now - start.time,
                        processorSeconds: processorSeconds() - start.processor))
            }
            guard clock.now < seconds + 20 else {
                let fault = Fault(.internal, connection.endpoint, "nothing arrives")
                return .failure(connection.handshakeProblem ?? fault)
            }
            // One alone warms up.
            while sent - received < (start == nil ? 1 : window),
                connection.send(header: [1], payloads: [payload]) == .sent
            { sent += 1 }
            poller.wait(milliseconds: 10)
        }
    }

    private static func processorSeconds() -> Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

/// The end that receives.
private final class Receiving: Sendable {
    private let listener: Confined<Listener>
    private let isOver = Atomic(false)
    let endpoint: String

    init(security: Security) throws(Fault) {
        let listener = try Listener(try Context(security: security), endpoint: "tcp://127.0.0.1:*")
        endpoint = listener.endpoint
        self.listener = Confined(listener)
    }

    func stop() { isOver.store(true, ordering: .relaxed) }

    func start() -> DedicatedThread {
        DedicatedThread(name: "receiver") { [self] in
            let poller = Poller()
            poller.watch(listener.value)
            while !isOver.load(ordering: .relaxed) {
                while let event = listener.value.next() {
                    if case .message(let peer, _, _) = event { _ = listener.value.send(to: peer, header: [2]) }
                }
                poller.wait(milliseconds: 10)
            }
        }
    }
}

public import Faults
public import Protocol
import Wire

/// Tests the videos that a coordinator leases, on the calling thread.
public final class TestWorker {
    private let connection: Connection
    private let poller = Poller()
    private let name: String
    private let clock = MonotonicClock()
    private var leased: [Int] = []
    /// Outcomes that the coordinator may not have.
    private var unsent: [TestMessage] = []
    private var isReady = false
    /// What the coordinator has said and nobody has answered yet.
    private var welcome: (version: Int, assignment: TestAssignment)?
    private var prepared: TestAssignment?
    /// When there was a connection last.
    private var lost = 0.0

    /// Seconds without a connection or a welcome after which the coordinator counts as gone.
    private static let patience = 30.0

    public init(join: String, name: String, security: Security) throws(Fault) {
        self.name = name
        connection = try Connection(try Context(security: security), endpoint: join)
        connection.setLinger(milliseconds: 2000)
        poller.watch(connection)
    }

    /// Until the coordinator says stop.
    /// - Parameters:
    ///   - prepare: makes ready for the test, once; throws when this machine cannot take part.
    ///   - test: finds out about a video; calls what it is given every few seconds, and lets pass what that throws.
    /// - Throws: why it cannot go on; the coordinator has been told.
    public func run(
        prepare: (TestAssignment) throws -> Void,
        test: (_ video: Int, _ between: () throws -> Void) throws -> VideoOutcome
    ) throws {
        lost = clock.now
        while true {
            poller.wait(milliseconds: leased.isEmpty ? 200 : 0)
            guard try listen() else { return }
            if let refusal = connection.refusal { throw refusal }
            if let (version, assignment) = welcome {
                welcome = nil
                try telling { try takePart(in: assignment, version, prepare) }
            }
            guard isReady else {
                guard clock.now - lost < Self.patience else {
                    throw Fault(.stoppedEarly, connection.endpoint, "no coordinator there any more")
                }
                continue
            }
            while let message = unsent.first, send(message) == .sent { unsent.removeFirst() }
            guard unsent.isEmpty, !leased.isEmpty else { continue }
            let video = leased.removeFirst()
            do {
                try telling {
                    // Another may have been faster with it, and nobody wait for this one.
                    let outcome = try test(video) { if try !listen() { throw IsOver() } }
                    let message = TestMessage.tested(video: video, outcome)
                    if send(message) != .sent { unsent.append(message) }
                }
            } catch is IsOver { return }
        }
    }

    /// The test is.
    private struct IsOver: Error {}

    /// Takes what the coordinator has said.
    /// - Returns: Whether the test goes on.
    private func listen() throws -> Bool {
        while let event = connection.next() {
            switch event {
            case .connected:
                lost = clock.now
                send(.hello(version: TestMessage.version, name: name))
            case .disconnected: (isReady, leased, welcome, lost) = (false, [], nil, clock.now)
            case .message(let header, let payloads):
                switch try TestMessage(header: header, payloads: payloads) {
                case .welcome(let version, let assignment): welcome = (version, assignment)
                case .refused(let reason): throw Fault(.usage, name, reason)
                case .lease(let video): leased.append(video)
                case .stop: return false
                case .hello, .ready, .failed, .tested:
                    throw Fault(.data, connection.endpoint, "sends what only workers do")
                }
            }
        }
        return true
    }

    private func takePart(
        in assignment: TestAssignment, _ version: Int, _ prepare: (TestAssignment) throws -> Void
    ) throws {
        guard version == TestMessage.version else {
            throw Fault(
                .usage, connection.endpoint,
                "speaks version \(version) of the test's protocol, this worker version \(TestMessage.version)",
                mend: "install the same release on both")
        }
        if let prepared, prepared != assignment {
            throw Fault(.usage, connection.endpoint, "now tests something else")
        }
        if prepared == nil { try prepare(assignment) }
        prepared = assignment
        isReady = true
        send(.ready)
    }

    /// The coordinator hears of what ends this worker.
    private func telling(_ body: () throws -> Void) throws {
        do { try body() } catch {
            if !(error is IsOver) { send(.failed(reason: "\(error)")) }
            throw error
        }
    }

    @discardableResult
    private func send(_ message: TestMessage) -> SendOutcome {
        connection.send(message.parts)
    }
}

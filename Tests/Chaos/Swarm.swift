import Faults
import Foundation
import Glibc
import Protocol
import Randomness
import Training
import Wire
import Worker

/// Hundreds of workers in one thread: the real machines, each with a real connection to the coordinator. What they say to
/// each other stays in memory, and computing is waiting.
final class Swarm {
    private struct Member {
        var machine: Worker
        let connection: Connection
        var queue: [WorkerDirective] = []
        var isComputing = false
    }

    private enum Happening {
        case computed(Int, lease: UInt64, unit: Int)
        case tick(Int)
    }

    private let unitSeconds: Double
    private let pool = PayloadPool()
    private let clock = MonotonicClock()
    private let poller = Poller()
    private var members: [Member] = []
    private var numbers: [Incarnation: Int] = [:]
    /// What is under way between workers.
    private var mail: [(to: Int, event: WorkerEvent)] = []
    private var timers: [(time: Double, happening: Happening)] = []
    private let preparation = SwarmJob.preparation
    private let gradients: [Payload]
    private(set) var stopped = 0
    private(set) var codes: Set<Int> = []

    /// - Parameters:
    ///   - unitSeconds: What a unit takes.
    ///   - life: Tells the incarnations of swarms of one run apart.
    ///   - spread: Seconds over which the workers come.
    init(endpoint: String, count: Int, unitSeconds: Double, life: Int = 0, spread: Double = 0.5) throws {
        self.unitSeconds = unitSeconds
        let pool = pool
        gradients = SwarmJob.plan.chunks.map { chunk in
            switch chunk.content {
            case .parameter: pool.payload(copying: [Float](repeating: 0.01, count: chunk.elements))
            case .statistics: pool.payload(copying: [Double](repeating: 1, count: chunk.elements))
            }
        }
        let context = try Context(security: .loopback)
        for number in 0..<count {
            let incarnation = UInt64(life << 32 + number + 1)
            let hello = Hello(
                name: "w\(number)", host: "host\(number)", process: number + 1, threads: 1,
                endpoint: "tcp://127.0.0.1:\(number + 1)", product: "swarm")
            let connection = try Connection(context, endpoint: endpoint)
            poller.watch(connection)
            members.append(
                Member(
                    machine: Worker(incarnation: incarnation, hello: hello, timing: ClusterTiming(), pool: pool),
                    connection: connection))
            numbers[incarnation] = number
            // Spread over a tick, as they would be, and not too many: this one thread is all of them.
            timers.append((clock.now + spread * Double(number) / Double(count), .tick(number)))
        }
    }

    /// One round: what has come from the coordinator, what is due, what they say to each other.
    func turn() throws {
        for number in members.indices { try receive(number) }
        let now = clock.now
        let due = timers.filter { $0.time <= now }
        timers.removeAll { $0.time <= now }
        for (_, happening) in due {
            switch happening {
            case .tick(let number):
                tell(number, .tick)
                timers.append((now + 0.5, .tick(number)))
            case .computed(let number, let lease, let unit):
                for chunk in gradients.indices.reversed() {
                    tell(number, .gradient(lease: lease, unit: unit, chunk: chunk, gradients[chunk]))
                }
                members[number].isComputing = false
                tell(number, .unitComputed(lease: lease, UnitRecord(unit: unit, loss: 1, correct: 1)))
            }
        }
        while !mail.isEmpty {
            let waiting = mail
            mail = []
            for (to, event) in waiting { tell(to, event) }
        }
        poller.wait(milliseconds: 5)
    }

    private func receive(_ number: Int) throws {
        let connection = members[number].connection
        while let event = connection.next() {
            switch event {
            case .connected: tell(number, .coordinatorConnected)
            case .disconnected: continue
            case .message(let header, let payloads):
                let frame: Frame<CoordinatorMessage> = try header.withBytes { bytes throws(Fault) in
                    try Frame(header: bytes, payloads: payloads)
                }
                tell(number, .coordinator(frame))
            }
        }
    }

    private func tell(_ number: Int, _ event: WorkerEvent) {
        for directive in members[number].machine.handle(event, now: clock.now) { perform(directive, number) }
        compute(number)
    }

    private func perform(_ directive: WorkerDirective, _ number: Int) {
        let sender = members[number].machine.incarnation
        switch directive {
        case .sendToCoordinator(let frame):
            let encoded = EncodedFrame(frame)
            _ = members[number].connection.send(header: encoded.header, payloads: encoded.payloads)
        case .connect(let peer, _): mail.append((number, .peerConnected(peer)))
        case .request(let peer, let frame): if let to = numbers[peer] { mail.append((to, .request(frame))) }
        case .reply(let peer, let frame): if let to = numbers[peer] { mail.append((to, .reply(frame))) }
        case .prepare: mail.append((number, .prepared(preparation)))
        case .load, .compute: members[number].queue.append(directive)
        case .disconnect, .cancel, .prefetch: break
        case .note(let text): print("w\(number) (\(sender)): \(text)")
        case .rejoin(let reason):
            print("w\(number): joins again: \(reason)")
            codes.insert(-1)
        case .stop(let code, _):
            stopped += 1
            codes.insert(code)
        }
    }

    private func compute(_ number: Int) {
        while !members[number].isComputing, !members[number].queue.isEmpty {
            guard case .compute(let lease, _, let unit) = members[number].queue.removeFirst() else { continue }
            members[number].isComputing = true
            timers.append((clock.now + unitSeconds, .computed(number, lease: lease, unit: unit)))
        }
    }
}

extension MonotonicClock {
    /// Runs a swarm until all its workers have stopped, or `isEnough`.
    /// - Throws: `ChaosFault` after `seconds`.
    func run(
        _ swarm: Swarm, of count: Int, atMost seconds: Double, isEnough: () throws -> Bool = { false },
        watching: () throws -> Void
    ) throws {
        let deadline = now + seconds
        while swarm.stopped < count {
            try swarm.turn()
            try watching()
            if try isEnough() { return }
            guard now < deadline else {
                throw ChaosFault("\(count - swarm.stopped) of \(count) workers still there after \(Int(seconds)) s")
            }
        }
    }
}

/// The coordinator with as many workers as no test has processes.
let swarmCases: [ChaosCase] = [
    ChaosCase(33, "many-workers") { lab in
        let count = 256
        let steps = 12
        var watch = try CoordinatorWatch(lab, steps: steps, workers: count, every: 0.5)
        // Two units for each: steps of three seconds.
        let swarm = try Swarm(endpoint: watch.endpoint, count: count, unitSeconds: 1.45)
        try MonotonicClock().run(swarm, of: count, atMost: 300) { watch.look() }
        try watch.end(swarm, ofSteps: steps)
        // The first quarter has the joining in it.
        let cost = try watch.cost(Array(watch.usages.dropFirst(watch.usages.count / 4)), atLeast: 0)
        lab.say(
            "\(count) workers, \(steps) steps of \(seconds(cost.seconds * 4 / 3 / Double(steps))) s: the coordinator "
                + "takes \(seconds(cost.share)) of a core and at most \(cost.memory >> 20) MB")
        try cost.expect(lab)
    },

    ChaosCase(37, "reconnect-storm") { lab in
        let count = 64
        let steps = 12
        var watch = try CoordinatorWatch(lab, steps: steps, workers: count, every: 0.25)
        func committed() -> Int { (try? lab.ledger().count) ?? 0 }
        var first: Swarm? = try Swarm(endpoint: watch.endpoint, count: count, unitSeconds: 0.05)
        if let first {
            try MonotonicClock().run(
                first, of: count, atMost: 120, isEnough: { committed() >= 4 }, watching: { watch.look() })
        }
        // All connections close at once, and as many others come within the same moment.
        let before = committed()
        let storm = monotonicNow()
        first = nil
        let second = try Swarm(endpoint: watch.endpoint, count: count, unitSeconds: 0.05, life: 1, spread: 0)
        try MonotonicClock().run(second, of: count, atMost: 240, watching: { watch.look() })
        try watch.end(second, ofSteps: steps)
        let cost = try watch.cost(watch.usages.filter { $0.time >= storm && $0.time <= storm + 15 }, atLeast: 1)
        lab.say(
            "\(count) workers gone and \(count) others there at once, after \(before) steps: the coordinator takes "
                + "\(seconds(cost.share)) of a core in the \(Int(cost.seconds)) s behind it, and at most \(cost.memory >> 20) MB"
        )
        try cost.expect(lab)
    },
]

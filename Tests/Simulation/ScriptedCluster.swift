import Coordinator
import Glibc
import Protocol
import Training
import Wire

/// Very many workers that only say what workers say, and the real coordinator with its real messages, encoded and decoded:
/// to see what the coordinator costs and what it says. Only what a test asks for goes wrong here; what may happen then is
/// `SimulatedCluster`'s.
final class ScriptedCluster {
    private struct Member {
        var link: Link<WorkerMessage, CoordinatorMessage>
        /// Relative, around 1.
        let speed: Double
        var owned: [Int] = []
    }

    private enum Happening {
        case toCoordinator(Incarnation, WorkerMessage)
        case heartbeat(Incarnation)
        case death(Incarnation)
        case ledgerWritten(step: Int)
        case tick
        /// The page and the metrics want to know how it goes.
        case look
    }

    private let units: Int
    private let unitSeconds: Double
    private let plan: ChunkPlan
    private var coordinator: Coordinator
    private var members: [Incarnation: Member] = [:]
    private var queue = HappeningQueue<Happening>()
    private var now = 0.0
    private var chance: Chance
    private var map: (number: Int, revision: Int) = (0, 0)
    private var lacking: Set<Int> = []
    private var began = 0.0
    /// Who dies of the first map, when the others have installed it.
    private var doomed: Incarnation?

    /// Processor seconds that the coordinator's thread took: its decisions, and coding of what it hears and says.
    private(set) var busySeconds = 0.0
    private(set) var frames = 0
    private(set) var statusMembers = 0
    private(set) var stepSeconds: [Double] = []
    /// What all were told of who owns what, each map once.
    private(set) var maps: Set<OwnershipMap> = []
    /// The busy seconds when the first step began.
    private(set) var joiningSeconds = 0.0

    /// - Parameters:
    ///   - unitSeconds: of the mean worker.
    ///   - parameters: sizes of the network's tensors.
    ///   - oneDies: of the first map, when the others have installed it.
    init(
        workers: Int, units: Int, steps: Int, unitSeconds: Double, parameters: [Int], oneDies: Bool = false,
        seed: UInt64
    ) {
        self.units = units
        self.unitSeconds = unitSeconds
        chance = Chance(seed: seed)
        plan = ChunkPlan(parameters: parameters.map { .init(count: $0) }, statistics: [])
        let timing = ClusterTiming()
        coordinator = Coordinator(
            settings: .scripted(units: units, steps: steps, workers: workers, plan: plan, timing: timing),
            history: RunHistory())
        for number in 0..<workers {
            let worker = chance.incarnation()
            if oneDies, number == 0 { doomed = worker }
            members[worker] = Member(
                link: Link(local: worker, remote: 1, session: 1, resend: timing.resend),
                speed: chance.between(0.8, 1.2))
            let hello = Hello(
                name: "w\(number)", host: "node\(number)", process: number, threads: 32,
                endpoint: "tcp://10.0.\(number / 256).\(number % 256):41234", product: "test")
            say(.hello(hello), worker, in: chance.between(0, 1))
            queue.add(.heartbeat(worker), at: chance.between(1, 2))
        }
        queue.add(.tick, at: 0)
        queue.add(.look, at: 0)
    }

    /// Runs until so many steps are in the ledger, or to the limit of virtual time.
    func run(steps: Int, limit: Double) throws {
        while stepSeconds.count < steps, now < limit, let (time, happening) = queue.next() {
            now = time
            switch happening {
            case .toCoordinator(let worker, let message): try arrive(message, from: worker)
            case .heartbeat(let worker):
                queue.add(.heartbeat(worker), at: now + 1)
                try arrive(.heartbeat(Progress(step: 0, units: 1)), from: worker)
            case .death(let worker):
                members[worker] = nil
                try tell(.processEnded(worker))
            case .ledgerWritten(let step): try tell(.ledgerAppended(step: step))
            case .tick:
                queue.add(.tick, at: now + 0.2)
                try tell(.tick)
            case .look:
                queue.add(.look, at: now + 1)
                let before = Self.processorSeconds
                statusMembers = coordinator.status(now: now).members.count
                busySeconds += Self.processorSeconds - before
            }
        }
    }

    private func say(_ message: WorkerMessage, _ worker: Incarnation, in seconds: Double) {
        queue.add(.toCoordinator(worker, message), at: now + seconds)
    }

    private func arrive(_ message: WorkerMessage, from worker: Incarnation) throws {
        guard let frame = members[worker]?.link.send(message, now: now) else { return }
        let encoded = EncodedFrame(frame)
        try timed {
            let received = try encoded.header.withUnsafeBytes { try ControlMessage(header: $0, payloads: []) }
            guard case .worker(let frame) = received else { return [] }
            return self.coordinator.handle(.received(frame), now: self.now)
        }
    }

    private func tell(_ event: CoordinatorEvent) throws {
        try timed { self.coordinator.handle(event, now: self.now) }
    }

    /// Everything that the coordinator's thread does about one event, but for the sockets.
    private func timed(_ body: () throws -> [CoordinatorDirective]) throws {
        var sent: [(Incarnation, [UInt8])] = []
        var others: [CoordinatorDirective] = []
        let before = Self.processorSeconds
        for directive in try body() {
            if case .send(let worker, let frame) = directive {
                sent.append((worker, EncodedFrame(frame).header))
            } else {
                others.append(directive)
            }
        }
        busySeconds += Self.processorSeconds - before
        frames += 1 + sent.count
        for (worker, header) in sent {
            let frame = try header.withUnsafeBytes { try Frame<CoordinatorMessage>(header: $0, payloads: []) }
            if let message = members[worker]?.link.receive(frame, now: now).message { hear(message, worker) }
        }
        for directive in others { perform(directive) }
    }

    /// Of this thread, whatever else the machine does.
    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }

    private func perform(_ directive: CoordinatorDirective) {
        switch directive {
        case .appendLedger(let record): queue.add(.ledgerWritten(step: record.outcome.step), at: now + 0.005)
        case .committed:
            stepSeconds.append(now - began)
            began = now
            lacking = Set(0..<units)
        default: break
        }
    }

    private func hear(_ message: CoordinatorMessage, _ worker: Incarnation) {
        switch message {
        case .welcome: say(.ready(Ready(fingerprints: [])), worker, in: 1)
        case .map(let map):
            maps.insert(map)
            if worker == doomed {
                doomed = nil
                return queue.add(.death(worker), at: now + 0.2)
            }
            self.map = (map.number, map.revision)
            lacking = Set(0..<units)
            let mine = map.owners.indices.filter { map.owners[$0] == worker }
            members[worker]?.owned = mine
            let kept = mine + map.buddies.indices.filter { map.buddies[$0].contains(worker) }
            guard !kept.isEmpty else { return }
            say(
                .mapInstalled(map: map.number, chunks: kept.map { ChunkDigest(chunk: $0, digest: 7) }), worker, in: 0.1)
        case .lease(let lease):
            if began == 0 {
                began = now
                joiningSeconds = busySeconds
            }
            let block = lease.block.first..<min(lease.block.end, units)
            let seconds = unitSeconds * Double(block.count) / (members[worker]?.speed ?? 1)
            let records = block.map { UnitRecord(unit: $0, loss: 1, correct: 1) }
            say(.blockComputed(lease: lease.id, records: records), worker, in: seconds)
            say(.blockDelivered(lease: lease.id, revision: map.revision), worker, in: seconds + 0.05)
            lacking.subtract(block)
            // The sums are whole when the last root is there.
            if lacking.isEmpty { deliverSums(of: lease.step, in: seconds + 0.1) }
        case .stop: say(.leaving, worker, in: 0)
        default: break
        }
    }

    private func deliverSums(of step: Int, in seconds: Double) {
        for (owner, member) in members.sorted(by: { $0.key < $1.key }) where !member.owned.isEmpty {
            let chunks = member.owned.map { ReadyChunk(chunk: $0, sumOfSquares: 1, finite: true, digest: 9) }
            say(.chunksReady(map: map.number, step: step, chunks: chunks), owner, in: seconds)
        }
    }
}

extension CoordinatorSettings {
    /// Of a run from the seed on that writes no checkpoints, two workers keeping each chunk.
    static func scripted(
        units: Int, steps: Int, workers: Int, plan: ChunkPlan, timing: ClusterTiming
    ) -> CoordinatorSettings {
        CoordinatorSettings(
            welcome: Welcome(generation: 1, run: 1, recipe: "r", data: "", instructionSet: "avx512"),
            schedule: StepSchedule(
                units: units, clipsPerUnit: 2, steps: steps,
                rate: LearningRate(
                    highest: 0.1, kind: .steps(every: 2, gamma: 0.5), steps: steps, stepsPerEpoch: 2,
                    warmupEpochs: 0, warmupFrom: 0.1)),
            clipNorm: 0, plan: plan, fingerprints: [], checkpointEverySteps: .max, expectedWorkers: workers,
            replicas: 2, timing: timing)
    }
}

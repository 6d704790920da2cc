import Coordinator
import Faults
import Training
import Wire
import Worker

/// A whole cluster in one thread: the real machines, and a network, a disk and a clock made of dice.
final class SimulatedCluster {
    /// What will happen, and to whom.
    enum Happening {
        case arrival(SimulatedFrame, SimulatedConnection.Key, epoch: Int)
        case coordinatorTick(generation: UInt64)
        case workerTick(Incarnation)
        case prepared(Incarnation)
        /// The compute thread has come to a stage of a unit: chunks in backward order, then the end.
        case computed(Incarnation, lease: UInt64, step: Int, unit: Int, stage: Int)
        case ledgerWritten(generation: UInt64)
        case chunkWritten(generation: UInt64, ChunkState)
        case checkpointWritten(generation: UInt64, version: Int)
        /// The worker reaches the newest coordinator again.
        case healed(Incarnation)
        case chunkRead(generation: UInt64, version: Int, chunk: Int, Incarnation)
        case processEnded(Incarnation)
        case disconnected(SimulatedConnection.Key)
        case reconnected(SimulatedConnection.Key)
        case killed(Incarnation)
        case coordinatorStarts
        case workerStarts
        case stopAsked
        case fault
    }

    let problem: Problem
    let bugs: Set<PlantedBug>
    let pool = PayloadPool()
    var chance: Chance
    var now = 0.0
    var queue = HappeningQueue<Happening>()
    var coordinator: Coordinator?
    var generation: UInt64 = 0
    /// Replaced, and not aware of it: stopped for a while, or cut off with some of the workers.
    var old: [UInt64: Coordinator] = [:]
    /// Workers that still reach an old coordinator, by its generation.
    var reach: [Incarnation: UInt64] = [:]
    /// The step that an old coordinator wants to append.
    var oldSteps: [UInt64: Int] = [:]
    var workers: [Incarnation: SimulatedWorker] = [:]
    /// Those that ended in order.
    var stopped: [SimulatedWorker] = []
    var order: [Incarnation] = []
    var connections: [SimulatedConnection.Key: SimulatedConnection] = [:]
    var disk = SimulatedDisk()
    var finished: (code: Int, reason: String)?
    var faultsUntil = 0.0
    var troubles: [String] = []
    var happenings = 0
    let timing: ClusterTiming
    /// Messages are fast or slow in this run.
    let delay: Double
    /// How many of the frames to workers are late in this run: commits that come behind what follows from them.
    let lateness: Double
    let expectedWorkers: Int
    let replicas: Int
    /// Of how many steps a block is computed twice.
    let verifiedShare: Double
    let diskLies: Bool
    var counts = FaultCounts()
    /// Of a run that is stopped on the way.
    var stopping: Stopping?
    /// What happened, for people, when asked for.
    var journal: [String]?

    init(
        seed: UInt64, bugs: Set<PlantedBug> = [], calm: Bool = false, finetunes: Bool = false,
        verifiedShare: Double? = nil, stops: Bool = false, journal: Bool = false
    ) {
        if journal { self.journal = [] }
        chance = Chance(seed: seed)
        problem = Problem(UInt64(chance.below(120)), finetunes: finetunes)
        self.bugs = bugs
        self.verifiedShare = verifiedShare ?? [0, 0.3, 1, 0][Int(seed / 2 % 4)]
        lateness = seed % 2 == 0 ? 0.12 : 0.03
        delay = [0.001, 0.02, 0.2][chance.below(3)]
        expectedWorkers = 1 + chance.below(4)
        replicas = [1, 2, 2, 2, 3][chance.below(5)]
        faultsUntil = calm ? 0 : chance.between(3, 25)
        diskLies = chance.happens(0.1)
        var timing = ClusterTiming()
        timing.tick = 0.4
        self.timing = timing
        if problem.beginsFromCheckpoint { disk.begin(from: problem) }
        startCoordinator()
        for _ in 0..<expectedWorkers { startWorker() }
        if !calm { schedule(.fault, in: chance.between(0.2, 2)) }
        if stops {
            stopping = Stopping(seed: seed)
            scheduleStop()
        }
    }

    /// Runs until the coordinator is done; the limit of virtual time is a failure.
    func run() {
        while finished == nil {
            guard let (time, happening) = queue.next() else { return troubles.append("nothing will ever happen again") }
            now = time
            happenings += 1
            if now > 2000 || happenings > 400_000 { return troubles.append("stuck: \(describeWaiting())") }
            happen(happening)
        }
    }

    private func describeWaiting() -> String {
        guard let coordinator else { return "no coordinator" }
        let status = coordinator.status(now: now)
        return "\(status.phase), step \(status.step): \(status.waitingFor.joined(separator: "; ")); members "
            + status.members.map { "\($0.name) \($0.state)" }.joined(separator: ", ")
    }

    func schedule(_ happening: Happening, in seconds: Double) { queue.add(happening, at: now + seconds) }

    // MARK: - Processes

    func startCoordinator() {
        generation += 1
        stopping?.isAsked = false
        let settings = CoordinatorSettings(
            welcome: Welcome(generation: generation, run: 77, recipe: "r", data: "", instructionSet: "baseline"),
            schedule: problem.schedule,
            clipNorm: problem.clipNorm, plan: problem.plan, fingerprints: [Fingerprint(name: "recipe", value: "r")],
            checkpointEverySteps: 2, expectedWorkers: expectedWorkers, replicas: replicas,
            verifiedShare: verifiedShare, startPatience: 15, bytesMovedPerStep: 100, timing: timing)
        write(
            "coordinator \(generation) from \(disk.ledger.count) steps, checkpoints \(disk.checkpoints.keys.sorted())")
        coordinator = Coordinator(settings: settings, history: disk.history, bugs: bugs)
        schedule(.coordinatorTick(generation: generation), in: 0)
    }

    func startWorker() {
        let incarnation = chance.incarnation()
        let name = "w\(order.count)"
        let hello = Hello(
            name: name, host: "h", process: order.count, threads: 1, endpoint: "sim://\(incarnation)", product: "test")
        let machine = Worker(incarnation: incarnation, hello: hello, timing: timing, pool: pool, bugs: bugs)
        let slow = chance.happens(0.15) ? 12.0 : 1
        workers[incarnation] = SimulatedWorker(
            machine: machine, name: name, unitSeconds: chance.between(0.05, 0.4) * slow,
            chunks: problem.plan.chunks.count)
        order.append(incarnation)
        schedule(.workerTick(incarnation), in: chance.between(0, 0.3))
    }

    // MARK: - Happenings

    private func happen(_ happening: Happening) {
        switch happening {
        case .arrival(let frame, let key, let epoch): arrive(frame, key, epoch: epoch)
        case .coordinatorTick(let generation):
            guard old[generation] != nil || (generation == self.generation && coordinator != nil) else { return }
            tell(.tick, generation)
            schedule(.coordinatorTick(generation: generation), in: timing.tick)
        case .workerTick(let worker):
            guard let process = workers[worker] else { return }
            schedule(.workerTick(worker), in: max(timing.tick, process.stoppedUntil - now))
            if process.stoppedUntil <= now { tell(worker, .tick) }
        case .prepared(let worker): tell(worker, .prepared(preparation))
        case .computed(let worker, let lease, let step, let unit, let stage):
            advance(worker, lease: lease, step: step, unit: unit, stage: stage)
        case .ledgerWritten(let generation):
            if isStale(generation) { return fence(generation) }
            guard generation == self.generation, let record = disk.tail else { return }
            disk.tail = nil
            disk.ledger.append(record)
            tell(.ledgerAppended(step: record.outcome.step))
        case .chunkWritten(let generation, let state):
            guard generation == self.generation, disk.unfinished?.version == state.version else { return }
            disk.unfinished?.chunks[state.chunk] = state.slots.map { $0.array(of: Float.self) }
            tell(.chunkWritten(version: state.version, chunk: state.chunk))
        case .healed(let worker):
            reach[worker] = nil
            cut(.init(client: worker, server: 0), for: 0)
        case .checkpointWritten(let generation, let version):
            if isStale(generation) { return fence(generation) }
            guard generation == self.generation, let new = disk.unfinished, new.version == version else { return }
            disk.unfinished = nil
            disk.checkpoints[version] = new.chunks
            tell(.checkpointCompleted(version: version))
        case .chunkRead(let generation, let version, let chunk, let worker):
            guard generation == self.generation, let slots = disk.checkpoints[version]?[chunk] else { return }
            let payloads = slots.map { pool.payload(copying: $0) }
            let state = ChunkState(
                chunk: chunk, version: version, slots: payloads,
                digest: combinedDigest(payloads.map { $0.checksum() }))
            tell(.chunkRead(version: version, chunk: chunk, state: state, for: worker))
        case .processEnded(let worker): tell(.processEnded(worker))
        case .disconnected(let key): tellDisconnected(key)
        case .reconnected(let key):
            tell(key.client, key.server == 0 ? .coordinatorConnected : .peerConnected(key.server))
        case .killed(let worker): if workers[worker] != nil { kill(worker) }
        case .coordinatorStarts: if coordinator == nil { startCoordinator() }
        case .workerStarts: startWorker()
        case .stopAsked: askToStop()
        case .fault: cause()
        }
    }

    private var preparation: WorkerPreparation {
        let problem = problem
        return WorkerPreparation(
            plan: problem.plan, units: problem.units, optimizer: problem.optimizer,
            fingerprints: [Fingerprint(name: "recipe", value: "r"), Fingerprint(name: "isa", value: "x")]
        ) { chunk, destination in
            for (i, value) in problem.initialWeights(chunk).enumerated() { destination[i] = value }
        }
    }

    // MARK: - Telling machines, doing what they say

    func tell(_ event: CoordinatorEvent) { tell(event, generation) }

    func tell(_ event: CoordinatorEvent, _ generation: UInt64) {
        if old[generation] != nil {
            for directive in old[generation]?.handle(event, now: now) ?? [] { perform(directive, ofOld: generation) }
        } else if generation == self.generation, let directives = coordinator?.handle(event, now: now) {
            for directive in directives { perform(directive) }
        }
    }

    func write(_ line: @autoclosure () -> String) {
        if journal != nil { journal?.append("\(Double(Int(now * 1000)) / 1000) \(line())") }
    }

    private func perform(_ directive: CoordinatorDirective) {
        switch directive {
        case .send(let worker, let frame):
            send(.toWorker(frame), SimulatedConnection.Key(client: worker, server: 0), toServer: false)
        case .appendLedger(let record):
            write("append \(record.outcome.step), \(disk.ledger.count) there")
            if record.outcome.step != disk.ledger.count {
                troubles.append("step \(record.outcome.step) twice or too early")
            }
            if disk.tail != nil { troubles.append("two records at once") }
            disk.tail = record
            schedule(.ledgerWritten(generation: generation), in: chance.between(0.001, 0.3))
        case .beginCheckpoint(let version):
            if disk.ledger.count < version { troubles.append("checkpoint \(version) before its ledger") }
            disk.unfinished = (version, [:])
            endangerCheckpoint()
        case .writeChunk(let state):
            schedule(.chunkWritten(generation: generation, state), in: chance.between(0.001, 0.2))
        case .completeCheckpoint(let version):
            schedule(.checkpointWritten(generation: generation, version: version), in: chance.between(0.001, 0.3))
        case .abandonCheckpoint: disk.unfinished = nil
        case .readChunk(let version, let chunk, let worker):
            schedule(
                .chunkRead(generation: generation, version: version, chunk: chunk, worker),
                in: chance.between(0.001, 0.1))
        case .committed(let record, let replayed):
            write("committed \(record.outcome.step), replayed \(replayed)")
            if record.outcome.step >= disk.ledger.count {
                troubles.append("step \(record.outcome.step) counts before it is on disk")
            }
            if replayed { counts.replayed += 1 }
        case .note(let note):
            write("\(note)")
            switch note {
            case .alarm(let alarm):
                counts.alarms += 1
                if !bugs.contains(.gradientFlips) { troubles.append("alarm \(alarm)") }
            case .recordsDiffer(let step, let unit, _): troubles.append("unit \(unit) of step \(step) has two records")
            case .rolledBack: counts.rollbacks += 1
            case .promoted:
                counts.promotions += 1
                notePromotion()
            case .replicasDiffer: counts.divergences += 1
            case .recalled: counts.recalled += 1
            case .reissued: counts.reissued += 1
            case .mapChanged: counts.maps += 1
            default: break
            }
        case .finished(let code, let reason):
            write("finished \(code) \(reason)")
            if code != 75 || !beginsAgain() { finished = (code, reason) }
        }
    }

    func tell(_ worker: Incarnation, _ event: WorkerEvent) {
        guard let process = workers[worker] else { return }
        if process.stoppedUntil > now {
            // A stopped process hears it when it goes on; sockets and timers keep the order.
            return schedule(delayed(worker, event), in: process.stoppedUntil - now)
        }
        for directive in process.machine.handle(event, now: now) { perform(directive, of: process, worker) }
        runCompute(process, worker)
    }

    private func perform(_ directive: WorkerDirective, of process: SimulatedWorker, _ worker: Incarnation) {
        switch directive {
        case .sendToCoordinator(let frame):
            send(.toCoordinator(frame), SimulatedConnection.Key(client: worker, server: 0), toServer: true)
        case .connect(let peer, _):
            process.connected.insert(peer)
            schedule(.reconnected(SimulatedConnection.Key(client: worker, server: peer)), in: delay)
        case .disconnect(let peer): process.connected.remove(peer)
        case .request(let peer, let frame):
            if !process.connected.contains(peer) { troubles.append("request to \(peer) without a connection") }
            send(.request(frame), SimulatedConnection.Key(client: worker, server: peer), toServer: true)
        case .reply(let peer, let frame):
            send(.reply(frame), SimulatedConnection.Key(client: peer, server: worker), toServer: false)
        case .prepare: schedule(.prepared(worker), in: chance.between(0.01, 1))
        case .load, .compute: process.queue.append(directive)
        case .cancel(let lease): process.cancelled.insert(lease)
        case .prefetch: break
        case .note(let text):
            write("\(process.name): \(text)")
            troubles.append("\(process.name): \(text)")
        case .rejoin:
            counts.rejoined += 1
            workers[worker] = nil
            schedule(.workerStarts, in: 0.1)
        case .stop(let code, let reason):
            write("\(process.name) stops, \(code) \(reason)")
            stopped.append(process)
            workers[worker] = nil
            if code != 0, code != 75 { troubles.append("\(process.name) stopped with \(code): \(reason)") }
        }
    }
}

/// How much a run went through: a simulation whose seeds meet no faults proves nothing.
struct FaultCounts {
    var kills = 0
    var restarts = 0
    var cuts = 0
    var rollbacks = 0
    var promotions = 0
    var fenced = 0
    var recalled = 0
    var divergences = 0
    var alarms = 0
    var replayed = 0
    var reissued = 0
    var rejoined = 0
    var drained = 0
    var maps = 0
}

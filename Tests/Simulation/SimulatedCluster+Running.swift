import Coordinator
import Training
import Wire
import Worker

/// The network and the compute threads.
extension SimulatedCluster {
    func send(_ frame: SimulatedFrame, _ key: SimulatedConnection.Key, toServer: Bool) {
        var connection = connections[key] ?? SimulatedConnection()
        defer { connections[key] = connection }
        guard now >= connection.downUntil else { return }
        // In order within a direction, whatever the delay.
        var arrival = now + chance.between(0.1, 2) * delay
        // Now and then a packet has to be sent again, and everything behind it waits.
        if now < faultsUntil, chance.happens(toServer ? 0.01 : lateness) { arrival += chance.between(0.3, 3) }
        if toServer {
            arrival = max(arrival, connection.lastToServer + 1e-7)
            connection.lastToServer = arrival
        } else {
            arrival = max(arrival, connection.lastToClient + 1e-7)
            connection.lastToClient = arrival
        }
        queue.add(.arrival(frame, key, epoch: connection.epoch), at: arrival)
    }

    func arrive(_ frame: SimulatedFrame, _ key: SimulatedConnection.Key, epoch: Int) {
        if connections[key]?.epoch != epoch, !chance.happens(0.2) { return }
        switch frame {
        case .toCoordinator(let frame): tell(.received(frame), reach[key.client] ?? generation)
        case .toWorker(let frame): tell(key.client, .coordinator(frame))
        case .request(let frame): tell(key.server, .request(frame))
        case .reply(let frame): tell(key.client, .reply(frame))
        }
    }

    /// What a stopped process will hear later.
    func delayed(_ worker: Incarnation, _ event: WorkerEvent) -> Happening {
        func control(_ frame: SimulatedFrame, client: Incarnation, server: Incarnation) -> Happening {
            let key = SimulatedConnection.Key(client: client, server: server)
            return .arrival(frame, key, epoch: connections[key]?.epoch ?? 0)
        }
        switch event {
        case .coordinator(let frame): return control(.toWorker(frame), client: worker, server: 0)
        case .request(let frame): return control(.request(frame), client: frame.sender, server: worker)
        case .reply(let frame): return control(.reply(frame), client: worker, server: frame.sender)
        case .prepared: return .prepared(worker)
        case .peerConnected(let peer): return .reconnected(.init(client: worker, server: peer))
        case .peerDisconnected(let peer): return .disconnected(.init(client: worker, server: peer))
        default: return .reconnected(.init(client: worker, server: 0))
        }
    }

    func tellDisconnected(_ key: SimulatedConnection.Key) {
        if key.server == 0 {
            if chance.happens(0.5) { tell(.disconnected(key.client), reach[key.client] ?? generation) }
        } else if workers[key.client]?.connected.contains(key.server) ?? false {
            tell(key.client, .peerDisconnected(key.server))
        }
    }

    // MARK: - Compute threads

    func runCompute(_ process: SimulatedWorker, _ worker: Incarnation) {
        while !process.isComputing, !process.queue.isEmpty {
            switch process.queue.removeFirst() {
            case .load(let chunk, _, let payload): process.loaded[chunk] = payload.array(of: Float.self)
            case .compute(let lease, let step, let unit):
                process.isComputing = true
                schedule(
                    .computed(worker, lease: lease, step: step, unit: unit, stage: 0),
                    in: process.unitSeconds * chance.between(0.5, 1))
            default: break
            }
        }
    }

    func advance(_ worker: Incarnation, lease: UInt64, step: Int, unit: Int, stage: Int) {
        guard let process = workers[worker] else { return }
        if process.stoppedUntil > now {
            return schedule(
                .computed(worker, lease: lease, step: step, unit: unit, stage: stage), in: process.stoppedUntil - now)
        }
        let plan = problem.plan
        if stage < plan.changing.count, !process.cancelled.contains(lease) {
            // Deepest first; statistics come with the forward pass, before all of them.
            let chunk = plan.changing[plan.changing.count - 1 - stage]
            let payload =
                plan.chunks[chunk].isStatistics
                ? pool.payload(
                    copying: problem.statistics(
                        chunk - plan.trained.upperBound, weights: process.loaded, step: step, unit: unit))
                : pool.payload(
                    copying: problem.gradient(chunk, weights: process.loaded, step: step, unit: unit))
            schedule(
                .computed(worker, lease: lease, step: step, unit: unit, stage: stage + 1),
                in: process.unitSeconds * chance.between(0, 0.1))
            return tell(worker, .gradient(lease: lease, unit: unit, chunk: chunk, payload))
        }
        process.isComputing = false
        // Newcomers own nothing: who dies with its first block computed and perhaps not delivered costs no rollback.
        process.units += 1
        if process.units == 1, now < faultsUntil, chance.happens(0.2) {
            schedule(.killed(worker), in: chance.between(0, 2 * delay))
        }
        tell(
            worker,
            .unitComputed(lease: lease, problem.record(weights: process.loaded, step: step, unit: unit)))
    }

    // MARK: - Faults

    /// Something goes wrong, or somebody comes or goes.
    func cause() {
        guard now < faultsUntil else {
            // From here on the world is kind: enough workers, a coordinator, whole connections.
            if coordinator == nil { startCoordinator() }
            if workers.isEmpty { startWorker() }
            return schedule(.fault, in: 5)
        }
        schedule(.fault, in: chance.between(0.05, 3))
        let alive = order.filter { workers[$0] != nil }
        switch chance.below(13) {
        case 0, 1: if let victim = pick(alive) { kill(victim) }
        case 2, 3: startWorker()
        case 4:
            if let worker = pick(alive) {
                counts.drained += 1
                if chance.happens(0.5) {
                    tell(worker, .drainRequested)
                } else {
                    tell(.drainRequested(workers[worker]?.name ?? ""))
                }
            }
        case 5: if let worker = pick(alive) { workers[worker]?.stoppedUntil = now + chance.between(0.5, 20) }
        case 6: restartCoordinator(withWorkers: chance.happens(0.5))
        case 12: if chance.happens(0.5) { replaceCoordinator() }
        case 7 where !alive.isEmpty && chance.happens(0.3): for worker in alive { kill(worker) }
        default:
            let keys = connections.keys.sorted { ($0.client, $0.server) < ($1.client, $1.server) }
            if !keys.isEmpty { cut(keys[chance.below(keys.count)], for: chance.between(0, 1.5)) }
        }
    }

    private func pick(_ workers: [Incarnation]) -> Incarnation? {
        workers.isEmpty ? nil : workers[chance.below(workers.count)]
    }

    /// kill -9.
    func kill(_ worker: Incarnation) {
        write("kill \(workers[worker]?.name ?? "?")")
        counts.kills += 1
        workers[worker] = nil
        for key in connections.keys.sorted(by: { ($0.client, $0.server) < ($1.client, $1.server) })
        where key.client == worker || key.server == worker {
            cut(key, for: 0)
        }
        if chance.happens(0.5) { schedule(.processEnded(worker), in: chance.between(0, 0.5)) }
        if chance.happens(0.5) { schedule(.workerStarts, in: chance.between(0.1, 5)) }
    }

    func restartCoordinator(withWorkers: Bool) {
        guard coordinator != nil else { return }
        counts.restarts += 1
        coordinator = nil
        write("coordinator dies, with workers: \(withWorkers); tail \(disk.tail?.outcome.step ?? -1)")
        disk.crash(tailSurvives: chance.happens(0.5), lies: diskLies && chance.happens(0.5))
        if chance.happens(0.2) { disk.loseLedger() }
        for key in connections.keys.filter({ $0.server == 0 }).sorted(by: { $0.client < $1.client }) {
            cut(key, for: chance.between(0, 1))
        }
        if withWorkers { for worker in order where workers[worker] != nil { kill(worker) } }
        schedule(.coordinatorStarts, in: chance.between(0.1, 3))
        for _ in 0..<(withWorkers ? 1 + chance.below(3) : 0) { schedule(.workerStarts, in: chance.between(0.1, 4)) }
    }

    func cut(_ key: SimulatedConnection.Key, for seconds: Double) {
        counts.cuts += 1
        connections[key]?.epoch += 1
        connections[key]?.downUntil = now + seconds
        connections[key]?.lastToServer = 0
        connections[key]?.lastToClient = 0
        schedule(.disconnected(key), in: 0)
        schedule(.reconnected(key), in: seconds + 0.001)
    }
}

/// What happens next: a binary heap by time, then by the order of scheduling.
struct HappeningQueue<Element> {
    private var heap: [(time: Double, order: Int, element: Element)] = []
    private var count = 0

    mutating func add(_ element: Element, at time: Double) {
        heap.append((time, count, element))
        count += 1
        var i = heap.count - 1
        while i > 0, isBefore(i, (i - 1) / 2) {
            heap.swapAt(i, (i - 1) / 2)
            i = (i - 1) / 2
        }
    }

    mutating func next() -> (Double, Element)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var i = 0
            while true {
                var least = i
                for child in [2 * i + 1, 2 * i + 2] where child < heap.count && isBefore(child, least) { least = child }
                if least == i { break }
                heap.swapAt(i, least)
                i = least
            }
        }
        return (first.time, first.element)
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool { (heap[a].time, heap[a].order) < (heap[b].time, heap[b].order) }
}

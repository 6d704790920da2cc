import Coordinator
import Faults
import Protocol
import Testing
import Training
import Wire
import Worker

/// A worker that finds another run where its own was, or another coordinator of its own.
@Suite struct OtherRunsTests {
    private static let plan = ChunkPlan(parameters: [.init(count: 10)], statistics: [])

    private func preparation(_ fingerprint: String) -> WorkerPreparation {
        WorkerPreparation(
            plan: Self.plan, units: 1,
            optimizer: OptimizerSettings(
                .sgd(SGDSettings(momentum: 0.9, nesterov: true, convention: .rateInMomentum))),
            fingerprints: [Fingerprint(name: "plan", value: fingerprint)],
            initialWeights: { _, values in values.initialize(repeating: 0) })
    }

    private func makeWorker(_ incarnation: Incarnation) -> Worker {
        let hello = Hello(
            name: "w", host: "node", process: 1, threads: 1, endpoint: "tcp://10.0.0.1:41234", product: "test")
        return Worker(incarnation: incarnation, hello: hello, timing: ClusterTiming(), pool: PayloadPool())
    }

    private func makeCoordinator(run: UInt64, generation: UInt64) -> Coordinator {
        var settings = CoordinatorSettings.scripted(
            units: 1, steps: 8, workers: 1, plan: Self.plan, timing: ClusterTiming())
        settings.welcome.run = run
        settings.welcome.generation = generation
        return Coordinator(settings: settings, history: RunHistory())
    }

    /// The two say to each other whatever follows from an event.
    /// - Returns: What else the worker has to do.
    private func talk(
        _ worker: inout Worker, _ coordinator: inout Coordinator, _ event: WorkerEvent, now: Double
    ) -> [WorkerDirective] {
        var others: [WorkerDirective] = []
        var events = [event]
        while !events.isEmpty {
            for directive in worker.handle(events.removeFirst(), now: now) {
                guard case .sendToCoordinator(let frame) = directive else {
                    others.append(directive)
                    continue
                }
                for case .send(_, let answer) in coordinator.handle(.received(frame), now: now) {
                    events.append(.coordinator(answer))
                }
            }
        }
        return others
    }

    /// Why it begins anew.
    private func reason(_ directives: [WorkerDirective]) -> String? {
        for case .rejoin(let reason) in directives { return reason }
        return nil
    }

    private func stops(_ directives: [WorkerDirective]) -> Bool {
        directives.contains { if case .stop = $0 { true } else { false } }
    }

    /// What it says that it has made ready.
    private func ready(_ directives: [WorkerDirective]) -> [Fingerprint]? {
        for case .sendToCoordinator(let frame) in directives {
            if case .ready(let ready)? = frame.message { return ready.fingerprints }
        }
        return nil
    }

    /// The generations of two runs say nothing about each other: mostly both are 1.
    @Test(arguments: [(1, 1), (1, 2), (2, 1)] as [(UInt64, UInt64)])
    func aWorkerJoinsTheRunThatIsWhereItsOwnWas(_ first: UInt64, _ second: UInt64) {
        var old = makeCoordinator(run: 1, generation: first)
        var new = makeCoordinator(run: 2, generation: second)
        var worker = makeWorker(9)
        _ = talk(&worker, &old, .tick, now: 0)
        let begun = talk(&worker, &old, .prepared(preparation("p")), now: 1)
        #expect(begun.contains { if case .compute = $0 { true } else { false } })

        let told = talk(&worker, &new, .coordinatorConnected, now: 2)
        #expect(reason(told)?.contains("another run") == true)
        #expect(!stops(told))
        let later = talk(&worker, &new, .tick, now: 3)
        #expect(later.isEmpty)

        var again = makeWorker(10)
        let asked = talk(&again, &new, .tick, now: 3)
        #expect(asked.contains { if case .prepare(let welcome) = $0 { welcome.run == 2 } else { false } })
        let joined = talk(&again, &new, .prepared(preparation("p")), now: 4)
        #expect(joined.contains { if case .compute = $0 { true } else { false } })
        #expect(new.status(now: 4).members.map(\.incarnation) == [10])
    }

    /// It has been fenced off, and does not know it yet.
    @Test func anOlderCoordinatorOfTheSameRunIsNotListenedTo() {
        var old = makeCoordinator(run: 1, generation: 1)
        var new = makeCoordinator(run: 1, generation: 2)
        var worker = makeWorker(9)
        _ = talk(&worker, &new, .tick, now: 0)
        _ = talk(&worker, &new, .prepared(preparation("p")), now: 1)
        let told = talk(&worker, &old, .coordinatorConnected, now: 2)
        #expect(reason(told) == nil && !stops(told))
        var link = Link<CoordinatorMessage, WorkerMessage>(local: 1, remote: 9, session: 1, resend: 1)
        let late = worker.handle(.coordinator(link.send(.stop(code: 0, reason: "late"), now: 3)), now: 3)
        #expect(reason(late) == nil && !stops(late))
        _ = talk(&worker, &new, .coordinatorConnected, now: 4)
        #expect(new.status(now: 4).members.map(\.silentSeconds) == [0])
    }

    /// What is for somebody else, or of nobody, does not part it from its run.
    @Test(arguments: [(1, 0), (1, 8), (0, 9)] as [(UInt64, UInt64)])
    func framesOfAnotherRunThatAreNotForTheWorkerAreNothing(_ sender: UInt64, _ receiver: UInt64) {
        var coordinator = makeCoordinator(run: 1, generation: 1)
        var worker = makeWorker(9)
        _ = talk(&worker, &coordinator, .tick, now: 0)
        let frame = Frame<CoordinatorMessage>(
            sender: sender, receiver: receiver, sequence: 0, received: 0, session: 2, message: nil)
        let told = worker.handle(.coordinator(frame), now: 1)
        #expect(told.isEmpty)
        let joined = talk(&worker, &coordinator, .prepared(preparation("p")), now: 2)
        #expect(joined.contains { if case .compute = $0 { true } else { false } })
    }

    /// It would be turned away for good with it: it does not fit the recipe with which its run goes on, though what it
    /// prepares for that one does.
    @Test(arguments: [true, false]) func whatWasPreparedForARecipeThatIsGoneIsNothingToTheNext(_ fails: Bool) {
        var worker = makeWorker(9)
        _ = worker.handle(.tick, now: 0)
        for generation: UInt64 in [1, 2] {
            var link = Link<CoordinatorMessage, WorkerMessage>(
                local: generation, remote: 9, session: 1, resend: 1)
            let welcome = Welcome(
                generation: generation, run: 1, recipe: "recipe \(generation)", data: "", instructionSet: "")
            let asked = worker.handle(.coordinator(link.send(.welcome(welcome), now: 1)), now: 1)
            #expect(asked.contains { if case .prepare(welcome) = $0 { true } else { false } })
        }
        let first: WorkerEvent =
            fails ? .preparationFailed(Fault(.data, "clips", "are not here")) : .prepared(preparation("first"))
        let late = worker.handle(first, now: 2)
        #expect(ready(late) == nil)
        #expect(!stops(late))
        let second = worker.handle(.prepared(preparation("second")), now: 3)
        #expect(ready(second) == [Fingerprint(name: "plan", value: "second")])
    }
}

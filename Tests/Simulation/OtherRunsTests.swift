import Faults
import Protocol
import Testing
import Training
import Wire
import Worker

/// A worker that finds another run where its own was.
@Suite struct OtherRunsTests {
    private func preparation(_ plan: String) -> WorkerPreparation {
        WorkerPreparation(
            plan: ChunkPlan(parameters: [.init(count: 10)], statistics: []), units: 1,
            optimizer: OptimizerSettings(
                .sgd(SGDSettings(momentum: 0.9, nesterov: true, convention: .rateInMomentum))),
            fingerprints: [Fingerprint(name: "plan", value: plan)], initialWeights: { _, _ in })
    }

    /// What it says that it has made ready.
    private func ready(_ directives: [WorkerDirective]) -> [Fingerprint]? {
        for case .sendToCoordinator(let frame) in directives {
            if case .ready(let ready)? = frame.message { return ready.fingerprints }
        }
        return nil
    }

    /// It would be turned away for good with it: it does not fit the run that it found, though what it prepares for that one
    /// does.
    @Test(arguments: [true, false]) func whatWasPreparedForARunThatIsGoneIsNothingToTheNext(_ fails: Bool) {
        let hello = Hello(
            name: "w", host: "node", process: 1, threads: 1, endpoint: "tcp://10.0.0.1:41234", product: "test")
        var worker = Worker(incarnation: 9, hello: hello, timing: ClusterTiming(), pool: PayloadPool())
        _ = worker.handle(.tick, now: 0)
        for generation: UInt64 in [1, 2] {
            var link = Link<CoordinatorMessage, WorkerMessage>(local: generation, remote: 9, resend: 1)
            let welcome = Welcome(
                generation: generation, run: generation, recipe: "", data: "", instructionSet: "")
            let asked = worker.handle(.coordinator(link.send(.welcome(welcome), now: 1)), now: 1)
            #expect(asked.contains { if case .prepare(welcome) = $0 { true } else { false } })
        }
        let first: WorkerEvent =
            fails ? .preparationFailed(Fault(.data, "clips", "are not here")) : .prepared(preparation("first"))
        let late = worker.handle(first, now: 2)
        #expect(ready(late) == nil)
        #expect(!late.contains { if case .stop = $0 { true } else { false } })
        let second = worker.handle(.prepared(preparation("second")), now: 3)
        #expect(ready(second) == [Fingerprint(name: "plan", value: "second")])
    }
}

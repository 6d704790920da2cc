import Coordinator
import Faults
import Foundation
import Protocol
import Synchronization
import TestSupport
import Testing
import Wire
import Worker

/// A worker that lives and was taken for dead comes back as somebody new, in the same process.
@Suite("Joining again", .timeLimit(.minutes(3)))
struct RejoinTests {
    private struct State {
        var builds = 0
        var units = 0
        var isWaiting = false
    }

    /// Each build counts from nothing what clips cost; what the worker tells must not fall, or nobody would understand it.
    @Test("What clips have cost is told on, and the run ends")
    func clipsCostMoreAndMore() throws {
        try withTemporaryFolder { run in
            let state = Mutex(State())
            let told = DispatchSemaphore(value: 0)
            let costs = Mutex<[Double]>([])
            let coordinator = try ToyCoordinator(run: run, steps: 12, workers: 1, checkpointEvery: 1) { shell, step in
                // A lie: it lives.
                if step == 3 { shell.processEnded(Int(getpid())) }
            }
            let shell = try WorkerShell(
                WorkerShell.Settings(
                    coordinator: coordinator.endpoint, name: "worker", threads: 1, product: "test",
                    timing: Toy.timing),
                observe: { progress in
                    costs.withLock { $0.append(progress.decoding) }
                    if state.withLock({ $0.isWaiting }) { told.signal() }
                },
                build: { _ throws(Fault) in
                    let isFirst = state.withLock { state in
                        state.builds += 1
                        state.units = 0
                        return state.builds == 1
                    }
                    return WorkerBuild(
                        preparation: Toy.preparation(),
                        computing: ToyComputing(clipSeconds: isFirst ? 1000 : 1) { _, _ in
                            let waits = state.withLock { state in
                                state.units += 1
                                // The first unit of the second build has been counted.
                                state.isWaiting = state.builds == 2 && state.units == 2
                                return state.isWaiting
                            }
                            if waits {
                                told.wait()
                                state.withLock { $0.isWaiting = false }
                            }
                        })
                })
            let worker = DedicatedThreadWithResult(name: "worker") { shell.run() }
            #expect(worker.wait() == Ending(code: 0, reason: "done"))
            #expect(coordinator.wait().code == 0)
            #expect(state.withLock { $0.builds } == 2)
            #expect(coordinator.refusals == 0, "frames that nobody understands")
            #expect(costs.withLock { $0.allSatisfy { $0 >= 0 } && $0.contains { $0 > 0 } }, "\(costs.withLock { $0 })")
        }
    }
}

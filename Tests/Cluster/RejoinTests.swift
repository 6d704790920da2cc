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
        /// How often somebody looked meanwhile, and what clips had cost by then.
        var looks = 0
        var cost = 0.0
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
                    let isSeen = state.withLock { state in
                        guard state.isWaiting else { return false }
                        state.looks += 1
                        state.cost = progress.decoding
                        // The first look may have begun before.
                        return state.looks == 2
                    }
                    if isSeen { told.signal() }
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
            #expect(costs.withLock { $0.allSatisfy { $0 >= 0 } }, "\(costs.withLock { $0 })")
            // Of the first build nothing but a unit that was under way at its end.
            let cost = state.withLock { $0.cost }
            #expect(cost > 0 && cost < 2000, "\(cost)")
        }
    }

    private func isDraining(_ coordinator: ToyCoordinator) -> Bool {
        guard case .status(let status)? = try? ask(.status, of: coordinator.endpoint) else { return false }
        return status.members.contains { $0.state == "draining" }
    }

    /// It has nothing any more that others need, and nobody would tell it again to go.
    @Test("Whoever is taken for dead while it leaves is gone, and does not train on")
    func leavingIsRemembered() throws {
        try withTemporaryFolder { run in
            let coordinator = try ToyCoordinator(run: run, steps: 12, workers: 1)
            let (isComputing, isRefused) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let isHeld = Flag()
            let worker = try ToyWorker(
                "leaving", joining: coordinator.endpoint,
                during: { _, step, _ in
                    // Else it would be let go in order.
                    guard step == 3, isHeld.set() else { return }
                    isComputing.signal()
                    _ = isRefused.wait(timeout: .now() + 60)
                }, note: { if $0.hasPrefix("joining again") { isRefused.signal() } })
            try #require(isComputing.wait(timeout: .now() + 60) == .success)
            worker.drain()
            let deadline = ContinuousClock.now + .seconds(60)
            while !isDraining(coordinator) { try #require(ContinuousClock.now < deadline) }
            coordinator.processEnded(Int(getpid()))
            #expect(worker.wait() == Ending(code: 0, reason: "told to leave before it joined"))
            // Nobody trains any more.
            coordinator.stop()
            #expect(coordinator.wait().code == 75)
            #expect(coordinator.steps == [0, 1, 2])
        }
    }
}

import Testing
import Wire
import Worker

/// What workers say of their time, in clusters whose clock is known.
@Suite struct TimeSplitTests {
    @Test(arguments: 0..<10) func everySecondIsBookedOnceAndComputingIsTheUnits(seed: Int) throws {
        let cluster = SimulatedCluster(seed: UInt64(seed), calm: true)
        cluster.run()
        var seen = 0
        for worker in cluster.stopped where worker.machine.progress.units > 0 {
            let (progress, time) = (worker.machine.progress, worker.machine.progress.time)
            #expect(min(time.decode, time.compute, time.push, time.pull, time.wait) >= 0, "seed \(seed)")
            seen += 1
            // From the first map to the last event: no more than the run, and not less than its units took.
            #expect(time.total <= cluster.now + 1e-6, "seed \(seed)")
            // A unit takes half of the worker's seconds for one, or more.
            #expect(time.compute >= Double(progress.units) * worker.unitSeconds * 0.5, "seed \(seed)")
            #expect(time.wait + time.pull > 0, "seed \(seed)")
        }
        #expect(seen > 0, "seed \(seed): nobody is left to ask")
    }
}

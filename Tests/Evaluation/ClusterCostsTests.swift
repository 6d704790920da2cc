import Evaluation
import Faults
import Foundation
import Kernels
import Models
import TestSupport
import Testing
import Training

@Suite struct ClusterCostsTests {
    private func measured(disk: String) throws -> ClusterPlan.Costs {
        try ClusterPlan.Costs.measured(
            try NetworkDescription(named: "r2plus1d-10", classes: 4, frames: 8, size: 28), N: 1,
            pool: ThreadPool(threads: 1), instructionSet: .best, implementation: .auto,
            optimizer: OptimizerSettings(.sgd(.init(momentum: 0.9, nesterov: false, convention: .rateOutside))),
            keys: nil, disk: disk, decodeSecondsPerClip: 0)
    }

    @Test func everyPartIsMeasuredAndNothingIsLeftBehind() throws {
        try withTemporaryFolder { folder in
            let costs = try measured(disk: folder)
            for seconds in [
                costs.unitSeconds, costs.wireSecondsPerByte, costs.copySecondsPerByte, costs.sumSecondsPerByte,
                costs.digestSecondsPerByte, costs.updateSecondsPerByte, costs.commitSeconds,
            ] { #expect(seconds > 0 && seconds < 60, "\(costs)") }
            // Weights and momentum.
            #expect(costs.slots == 2)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
    }

    @Test func aDiskThatIsNotThereIsNamed() throws {
        let fault = #expect(throws: Fault.self) { try measured(disk: "/proc/no-folder") }
        #expect(fault?.thing.hasPrefix("/proc/no-folder") == true, "\(String(describing: fault))")
    }
}

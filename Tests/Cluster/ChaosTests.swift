import Chaos
import Foundation
import TestSupport
import Testing

/// A few cases of `make chaos`: real processes, killed and started again.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ChaosTests {
    @Test(arguments: ["worker-killed", "coordinator-killed"])
    func endsLikeTheUndisturbedRun(_ name: String) throws {
        let entry = try #require(ChaosCase.all.first { $0.name == name })
        try withTemporaryFolder { folder in
            let laboratory = try Laboratory(program: Program.path, root: folder, seed: 1)
            let (verdict, lines) = try entry.run(in: laboratory)
            #expect(verdict == .passed, "seed 1: \(lines)")
        }
    }

    /// Network namespaces need root.
    @Test(.enabled(if: ChaosCase.all.first { $0.name == "clips-pulled" }?.isPossible ?? true))
    func theDataSetOnOneMachineOnly() throws { try endsLikeTheUndisturbedRun("clips-pulled") }

    @Test func everyCaseHasANameAndANumberOfItsOwn() {
        #expect(Set(ChaosCase.all.map(\.name)).count == ChaosCase.all.count)
        #expect(Set(ChaosCase.all.map(\.number)).count == ChaosCase.all.count)
        #expect(ChaosCase.all.allSatisfy { (1...39).contains($0.number) && $0.number != 30 })
    }

    /// The harness itself: a result that differs by a bit is a failure, not a pass.
    @Test func aRunOfOtherWeightsFails() throws {
        try withTemporaryFolder { folder in
            let laboratory = try Laboratory(program: Program.path, root: folder, seed: 1)
            let (verdict, _) = try ChaosCase.plantedDifference.run(in: laboratory)
            guard case .failed(let reason) = verdict else {
                Issue.record("a run of another seed passes for the undisturbed one")
                return
            }
            #expect(reason.contains("not the undisturbed run's"), "\(reason)")
        }
    }
}

import Foundation
import Kernels
import TestSupport
import Testing
import Wire
import Worker

/// bf16 where the processor lacks it: everything that would compute refuses, and says what to do.
@Suite(.enabled(if: !InstructionSet.avx512BF16.isSupported, "this processor has it")) struct ComputeTests {
    private func recipe() throws -> String {
        try text(of: sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml")
            .replacing("[model]\n", with: "[model]\nclasses = 8\n")
    }

    @Test(arguments: [
        ["bench", "step", "--model", "r2plus1d-10", "--dtype", "bf16"], ["bench", "kernels", "--dtype", "bf16"],
    ]) func theBenchesRefuse(_ arguments: [String]) throws {
        let result = try Program.start(arguments).wait()
        #expect(result.status == 64)
        #expect(result.errors.contains("--dtype bf16: "), "\(result.errors)")
        #expect(result.errors.contains("lacks avx512_bf16"), "\(result.errors)")
        #expect(result.errors.contains("choose f32"), "\(result.errors)")
    }

    /// A run that others began in bf16 is refused by the worker, which names the run's and not its own mend.
    @Test func aWorkerRefusesARunOfBF16() throws {
        let text = try recipe() + "\n[numerics]\nisa = \"avx512\"\ncompute = \"bf16\"\n"
        let welcome = Welcome(generation: 1, run: 1, recipe: text, data: "/nowhere", instructionSet: "avx512_bf16")
        let fault = #expect(throws: (any Error).self) {
            try buildWorker(welcome, resources: WorkerResources(threads: 1, decodeThreads: 1))
        }
        #expect("\(fault!)".contains("the run's avx512_bf16: "), "\(fault!)")
        #expect("\(fault!)".contains("lacks avx512_bf16"), "\(fault!)")
        #expect("\(fault!)".contains("numerics.compute=f32"), "\(fault!)")
    }

    /// The instruction set that a run was begun with and its recipe say the same, or somebody forged one of them.
    @Test func aRunWhoseSetIsNotItsRecipesIsRefused() throws {
        let text = try recipe() + "\n[numerics]\ncompute = \"bf16\"\n"
        let welcome = Welcome(generation: 1, run: 1, recipe: text, data: "/nowhere", instructionSet: "baseline")
        let fault = #expect(throws: (any Error).self) {
            try buildWorker(welcome, resources: WorkerResources(threads: 1, decodeThreads: 1))
        }
        #expect("\(fault!)".contains("numerics.compute"), "\(fault!)")
    }
}

/// bf16 where the processor has it: whole runs, not on the emulation.
@Suite(.enabled(if: InstructionSet.avx512BF16.isSupported, "this processor lacks it"), .serialized)
struct BF16RunTests {
    @Test func anyNumberOfWorkersAndThreads() throws {
        try withTemporaryFolder { folder in
            var hashes: [String] = []
            for (workers, threads) in [(1, 2), (3, 1)] {
                let run = folder + "/\(workers)-\(threads)"
                let arguments = try MotionRun.arguments(
                    run: run, workers: workers, threads: threads, "numerics.compute=bf16")
                hashes.append(try MotionRun.hash(Program.start(arguments).wait()))
            }
            #expect(Set(hashes).count == 1, "\(hashes)")
            #expect(try hashes[0] != MotionRun.undisturbed.get(), "these are the bits of f32")
        }
    }
}

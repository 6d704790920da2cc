import ArgumentParser
import Evaluation
import Faults
import Foundation
import Kernels
import Models
import Reporting

/// `zoetrope bench`: the figures that are compared with the peers.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time kernels, training steps, decoding and sockets.",
        subcommands: [Step.self, Kernels.self, Decode.self, Network.self])

    /// What every bench takes.
    struct Machine: ParsableArguments {
        @Option(help: "Compute threads; 0 takes one for each core.")
        var threads = 0
        @Option(help: "The instruction set: auto, baseline, avx2 or avx512.")
        var isa = "auto"
        @Option(help: "What convolutions compute in: f32, or bf16 where the processor has avx512_bf16.")
        var dtype = "f32"
        @Option(help: "How often each thing is timed.")
        var runs = 5

        @OptionGroup var choice: ConvolutionOption

        func validate() throws {
            try checkThreads(threads)
            guard (1...10_000).contains(runs) else { throw ValidationError("--runs \(runs): choose 1 to 10000") }
        }

        var threadCount: Int { computeThreads(threads) }

        func instructionSet() throws(Fault) -> InstructionSet {
            try .choose(isa: isa, "--isa", compute: dtype, "--dtype")
        }
    }

    struct Step: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time a forward pass and a whole training step, the update included.")
        @Option(help: "The network, as `zoetrope model list` prints it.")
        var model: String
        @Option(help: "Clips of a step.")
        var batch = 2
        @Option(help: "Frames of a clip.")
        var frames = 8
        @Option(help: "Rows and columns of a clip, in pixels.")
        var size = 112
        @Option(
            help: ArgumentHelp(
                """
                A peer's command, of which docs/performance.md says how it is called and what it prints: it runs in turn with \
                ours, and the ratios are printed.
                """,
                valueName: "command"))
        var peer: String?
        @Option(help: "Pairs of runs with the peer.")
        var pairs = 5
        @Flag(help: "Recompute activations, as `worker --recompute` does.")
        var recompute = false
        @Flag(help: "Say where the time of a step goes, by layer.")
        var profile = false
        @Flag(help: "Try the peer compiled, too.")
        var peerCompile = false
        @OptionGroup var machine: Machine
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard (1...1000).contains(pairs) else { throw ValidationError("--pairs \(pairs): choose 1 to 1000") }
            guard (1...1024).contains(batch) else { throw ValidationError("--batch \(batch): choose 1 to 1024") }
        }

        func run() throws {
            let set = try machine.instructionSet()
            if let peer { return try compare(peer) }
            let times = try StepBenchmark.run(
                model: model, N: batch, frames: frames, size: size, threads: machine.threadCount, instructionSet: set,
                runs: machine.runs, implementation: machine.choice.value(),
                policy: .ofWorker(recomputes: recompute, units: 1), profiles: profile)
            for part in times.profile {
                print(
                    padded(part.layer, 34), padded(part.phase.rawValue, 17), milliseconds(part.milliseconds / 1e3),
                    part.gigaflops > 0 ? " \(Int(part.gigaflops)) GFLOP/s" : "")
            }
            // A step is forward, backward-data and backward-weights: three times the multiply-accumulates.
            let gigaflops = Double(6 * times.macs * batch) / times.stepMedian / 1e9
            result.report(
                [
                    "model": .string(model), "batch": .integer(batch), "frames": .integer(frames),
                    "size": .integer(size),
                    "threads": .integer(machine.threadCount), "dtype": .string(machine.dtype),
                    "isa": .string(set.rawValue), "recompute": .boolean(recompute),
                    "forward_median_s": .number(times.forwardMedian), "forward_min_s": .number(times.forwardSeconds[0]),
                    "step_median_s": .number(times.stepMedian), "step_min_s": .number(times.stepSeconds[0]),
                    "clips_per_s": .number(times.clipsPerSecond), "peak_rss_mib": .integer(times.stepPeakMemory),
                    "whole_peak_rss_mib": .integer(times.peakMemory),
                    "parameters": .integer(times.parameters), "gflops": .number(gigaflops),
                    "loss": .number(times.loss),
                ],
                text:
                    "\(model), \(batch) clips of \(frames)x\(size)x\(size), \(machine.threadCount) threads, \(set.rawValue)\n"
                    + "  forward \(milliseconds(times.forwardMedian))  step \(milliseconds(times.stepMedian))  "
                    + "\(hundredths(times.clipsPerSecond)) clips/s  \(hundredths(gigaflops)) GFLOP/s  "
                    + "\(times.stepPeakMemory) MiB")
        }

        /// The peer knows the network by the last part of its name.
        private func compare(_ peer: String) throws {
            let name = model.split(separator: "/").last.map(String.init) ?? model
            let bench = PeerBench(
                command: peer,
                options: [
                    "--batch", "\(batch)", "--frames", "\(frames)", "--size", "\(size)", "--threads",
                    "\(machine.threadCount)", "--runs", "\(machine.runs)", "--dtype", machine.dtype,
                ],
                peerModel: name,
                ours: [
                    "bench", "step", "--model", model, "--isa", machine.isa, "--convolution",
                    machine.choice.convolution,
                ] + (recompute ? ["--recompute"] : []), pairs: pairs, compiles: peerCompile)
            let comparison = try bench.run()
            if result.json { print(comparison.text) }
        }
    }
}

/// `12.34 ms`.
func milliseconds(_ seconds: Double) -> String { hundredths(seconds * 1000) + " ms" }

import ArgumentParser
import Faults
import Kernels
import Models
import Reporting

extension Bench {
    /// `zoetrope bench kernels`.
    struct Kernels: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time the convolutions of a network beside the processor's peak.",
            discussion: """
                Rates count two operations for each multiply-accumulate; the peak of fused multiply-adds is measured in the \
                same seconds, on the same threads. A layer that falls back to the plain reference is an error.
                """)
        @Option(help: "The network; without it, the layers of R(2+1)D-18 and of the motion recipe.")
        var model: String?
        @Option(help: "Clips.")
        var batch = 1
        @Option(help: "Frames of a clip.")
        var frames = 8
        @Option(help: "Rows and columns of a clip, in pixels.")
        var size = 112
        @Option(help: "Seconds for each layer.")
        var seconds = 1.0
        @OptionGroup var machine: Machine
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard (1...1024).contains(batch) else { throw ValidationError("--batch \(batch): choose 1 to 1024") }
            guard seconds > 0, seconds <= 600 else { throw ValidationError("--seconds \(seconds): choose up to 600") }
        }

        func run() throws {
            let set = try machine.instructionSet()
            let benchmark = try KernelBenchmark(
                instructionSet: set, threads: machine.threadCount, N: batch, seconds: seconds,
                implementation: machine.choice.value())
            var rows: [JSON] = []
            print(
                "GFLOP/s on \(machine.threadCount) threads, \(set.rawValue), \(batch) clips; in brackets the share of the peak"
            )
            print("\(padded("layer", 34)) forward       backward-data backward-weights  peak")
            for layer in try layers() {
                let row = try benchmark.run(layer)
                func cell(_ rate: Double) -> String {
                    padded("\(Int(rate.rounded())) (\(Int((100 * rate / row.peak).rounded())) %)", 14)
                }
                print(
                    padded(layer.name, 34), cell(row.forward), cell(row.backwardData), cell(row.backwardWeights) + "  ",
                    Int(row.peak.rounded()))
                rows.append([
                    "layer": .string(layer.name), "shape": .string("\(layer.shape)"),
                    "implementation": .string(row.implementation), "forward_gflops": .number(row.forward),
                    "backward_data_gflops": .number(row.backwardData),
                    "backward_weights_gflops": .number(row.backwardWeights), "pack_ms": .number(row.packing),
                    "peak_gflops": .number(row.peak),
                ])
            }
            if result.json { print(JSON.array(rows).text) }
        }

        /// Each shape once.
        private func layers() throws(Fault) -> [LayerShapes.Named] {
            guard let model else { return LayerShapes.large + LayerShapes.motion }
            let network = try NetworkDescription(named: model, classes: 400, frames: frames, size: size)
            var seen: Set<ConvolutionShape> = []
            return network.convolutions.compactMap { name, shape in
                seen.insert(shape).inserted ? LayerShapes.Named(name: name, shape: shape) : nil
            }
        }
    }
}

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
                same seconds, on the same threads. The share of bandwidth counts each array that a pass reads or writes \
                once and compares with a copy between large arrays; layers that the caches hold can go beyond 100 %. \
                "bound" says which of the two takes longer at best. A layer that falls back to the plain reference is \
                an error.
                """)
        @Option(
            help: """
                The network: \(LayerShapes.networks.map(\.name).joined(separator: ", ")), on clips of their own sizes, or \
                any that `model list` names; without it, the layers of R(2+1)D-18 and of the motion recipe.
                """)
        var model: String?
        @Option(help: "Only layers whose name contains this.")
        var layer: String?
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
                "GFLOP/s on \(machine.threadCount) threads, \(set.rawValue), \(batch) clips; shares of the peak and of the bandwidth"
            )
            print("\(padded("layer", 40)) forward            backward-data      backward-weights   peak  GB/s  bound")
            for layer in try layers() {
                let row = try benchmark.run(layer)
                func cell(_ rate: Double) -> String {
                    padded(
                        "\(rounded(rate)) (\(percent(row.shareOfPeak(rate))), \(percent(row.shareOfBandwidth(rate))))",
                        18)
                }
                let bound = row.isBoundByMemory ? "memory" : "arithmetic"
                print(
                    padded(layer.name, 40), cell(row.forward), cell(row.backwardData), cell(row.backwardWeights),
                    padded(rounded(row.peak), 5), padded(rounded(row.bandwidth), 5), bound)
                rows.append([
                    "layer": .string(layer.name), "shape": .string("\(layer.shape)"),
                    "implementation": .string(row.implementation), "forward_gflops": .number(row.forward),
                    "backward_data_gflops": .number(row.backwardData),
                    "backward_weights_gflops": .number(row.backwardWeights), "pack_ms": .number(row.packing),
                    "peak_gflops": .number(row.peak), "gigabytes_per_pass": .number(row.gigabytes),
                    "bandwidth_gigabytes_per_second": .number(row.bandwidth), "bound": .string(bound),
                    "forward_bandwidth_share": .number(row.shareOfBandwidth(row.forward)),
                    "backward_data_bandwidth_share": .number(row.shareOfBandwidth(row.backwardData)),
                    "backward_weights_bandwidth_share": .number(row.shareOfBandwidth(row.backwardWeights)),
                ])
            }
            if result.json { print(JSON.array(rows).text) }
        }

        private func rounded(_ value: Double) -> String { "\(Int(value.rounded()))" }
        private func percent(_ share: Double) -> String { "\(rounded(100 * share)) %" }

        private func layers() throws(Fault) -> [LayerShapes.Named] {
            try all().filter { $0.name.contains(layer ?? "") }
        }

        /// Each shape once.
        private func all() throws(Fault) -> [LayerShapes.Named] {
            guard let model else { return LayerShapes.large + LayerShapes.motion }
            if let known = LayerShapes.networks.first(where: { $0.name == model }) { return known.layers }
            let network = try NetworkDescription(named: model, classes: 400, frames: frames, size: size)
            var seen: Set<ConvolutionShape> = []
            return network.convolutions.compactMap { name, shape in
                seen.insert(shape).inserted ? LayerShapes.Named(name: name, shape: shape) : nil
            }
        }
    }
}

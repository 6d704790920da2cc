import ArgumentParser
import Checkpoints
import Evaluation
import Faults
import Foundation
import Kernels
import Reporting

extension ModelCommand {
    /// `zoetrope model check`.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare our numbers with a recorded reference.",
            discussion: """
                The reference holds weights, a clip, and what PyTorch computes from them in f64, with PyTorch's own f32 error \
                beside each: the yardstick. Exit code 70 when we are worse than three times that (--convolution direct) or ten \
                times (winograd, auto; logits at most 1e-4).
                """)
        @Argument(help: "The network's name.")
        var name: String
        @Argument(help: "The reference, a safetensors file.")
        var reference: String
        @Option(help: "Compute threads; 0 takes one for each core.")
        var threads = 0
        @Option(help: "The instruction set: auto, baseline, avx2 or avx512.")
        var isa = "auto"
        @OptionGroup var choice: ConvolutionOption
        @OptionGroup var result: ResultOptions

        func run() throws {
            let set = try InstructionSet.choose(isa: isa, "--isa", compute: "f32", "--dtype")
            let count = computeThreads(threads)
            let check = try ModelCheck.run(
                name, reference: try SafetensorsFile(reference), pool: ThreadPool(threads: count), instructionSet: set,
                implementation: choice.value())
            let groups = ModelCheck.Group.allCases
            let object = { (value: (ModelCheck.Group) -> JSON) in
                JSON.object(groups.map { ($0.rawValue, value($0)) })
            }
            let lines = groups.map { group in
                let worst = check.worst[group]
                return "  \(padded(group.rawValue, 15)) ours \(scientific(check.ours[group] ?? .nan))  "
                    + "PyTorch f32 \(scientific(check.torch[group] ?? .nan))  worst \(worst?.tensor ?? "-") "
                    + "\(scientific(worst?.ours ?? .nan)) (\(scientific(worst?.torch ?? .nan)))"
            }
            result.report(
                [
                    "ours": object { .number(check.ours[$0] ?? .nan) },
                    "torch": object { .number(check.torch[$0] ?? .nan) },
                    "worst": object { group in
                        guard let worst = check.worst[group] else { return .null }
                        return [
                            "tensor": .string(worst.tensor), "ours": .number(worst.ours), "torch": .number(worst.torch),
                        ]
                    },
                    "right": .boolean(check.isRight),
                ],
                text: ([name] + lines).joined(separator: "\n"))
            guard check.isRight else {
                throw Fault(
                    .internal, name, "computes worse than PyTorch's own f32 error allows", mend: "report it")
            }
        }
    }
}

/// `1.23e-05`.
func scientific(_ value: Double) -> String {
    String(format: "%.2e", value)
}

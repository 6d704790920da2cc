import ArgumentParser
import Checkpoints
import Faults
import Reporting

extension ModelCommand {
    /// `zoetrope model compare`.
    struct Compare: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Which tensors of two checkpoints are alike.",
            discussion: """
                Tensors are matched by name and are alike when their bits are. The files may be of any formats that \
                `zoetrope model convert` reads. Exit code 65 when anything differs.
                """)
        @Argument(help: "A checkpoint: a file, a run's folder or one of its checkpoints.")
        var first: String
        @Argument(help: "The checkpoint to compare with it.")
        var second: String
        @OptionGroup var result: ResultOptions

        func run() throws {
            let comparison = try CheckpointComparison(
                try .read(checkpointFile(first)), try .read(checkpointFile(second)))
            result.report(json(comparison), text: text(comparison))
            guard comparison.isEqual else {
                throw Fault(
                    .data, second,
                    "differs from \(first): \(comparison.differing.count) tensors differ, "
                        + "\(comparison.missing.count) are missing, \(comparison.unexpected.count) unexpected")
            }
        }

        private func json(_ comparison: CheckpointComparison) -> JSON {
            [
                "equal": .boolean(comparison.isEqual), "matched": .integer(comparison.matched.count),
                "differing": .array(comparison.differing.map(json)),
                "missing": .array(comparison.missing.map(JSON.string)),
                "unexpected": .array(comparison.unexpected.map(JSON.string)),
            ]
        }

        /// Infinite figures become `null`, which is all JSON has for them.
        private func json(_ difference: CheckpointComparison.Difference) -> JSON {
            switch difference.kind {
            case .shapes(let a, let b):
                [
                    "tensor": .string(difference.name),
                    "shapes": .array([a, b].map { .array($0.map(JSON.integer)) }),
                ]
            case .values(let largest, let relative, let types):
                [
                    "tensor": .string(difference.name), "largest_difference": .number(largest),
                    "relative_norm": .number(relative), "types": .array(types.map { .string($0.rawValue) }),
                ]
            }
        }

        private func text(_ comparison: CheckpointComparison) -> String {
            var lines = ["\(comparison.matched.count) tensors match bit for bit"]
            for difference in comparison.differing {
                switch difference.kind {
                case .shapes(let a, let b): lines.append("  differs     \(difference.name): \(a) and \(b)")
                case .values(let largest, let relative, let types):
                    let kinds = types.isEmpty ? "" : ", \(types.map(\.rawValue).joined(separator: " and "))"
                    lines.append(
                        "  differs     \(difference.name): by up to \(scientific(largest)), relative norm "
                            + "\(scientific(relative))\(kinds)")
                }
            }
            lines += comparison.missing.map { "  missing     \($0)" }
            lines += comparison.unexpected.map { "  unexpected  \($0)" }
            return lines.joined(separator: "\n")
        }
    }
}

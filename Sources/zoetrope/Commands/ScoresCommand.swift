import ArgumentParser
import Evaluation
import Faults
import Reporting
import Storage

/// `zoetrope scores`.
struct ScoresCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scores", abstract: "Look at the scores of tests again, and fuse them, without a network.",
        subcommands: [Show.self, Fuse.self])

    /// `zoetrope scores show`.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the result that a file of scores stands for, and its worst confusions.")
        @Argument(help: "scores.safetensors, as 'zoetrope test --out' writes it.")
        var file: String
        @Option(help: "Write report.html here, too.")
        var report: String?
        @Option(help: "How many confusions to print.")
        var confusions = 10
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard (0...1000).contains(confusions) else {
                throw ValidationError("--confusions \(confusions): choose 0 to 1000")
            }
        }

        func run() throws {
            let found = TestResult(try ScoreTable(path: file))
            if let report { try writeWhole(TestPage(found).html, to: report) }
            found.warn()
            let classes = found.table.classes
            let worst = found.metrics.topConfusions(confusions)
            result.report(
                found.json,
                text: ([found.text]
                    + worst.map { "\($0.videos) of \(classes[$0.label]) taken for \(classes[$0.prediction])" })
                    .joined(separator: "\n"))
        }
    }

    /// `zoetrope scores fuse`.
    struct Fuse: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add the scores of several tests of the same videos up, and print the result.",
            discussion: """
                Each video's scores are scaled to a sum of 1 first. With two files, --weights 0.6,0.4 is VMZ's \
                dense_prediction_fusion with --alpha=0.6.
                """)
        @Argument(help: "Two files of scores or more.")
        var files: [String]
        @Option(help: "A weight for each, separated by commas; without it, all the same.")
        var weights: String?
        @Option(help: "Where the sums go, as another file of scores.")
        var out: String?
        @Option(help: "Write report.html here, too.")
        var report: String?
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard files.count >= 2 else { throw ValidationError("name two files of scores or more") }
        }

        func run() throws {
            let given = try weights.map { text throws(Fault) in try Self.numbers(text) }
            var tables: [(path: String, table: ScoreTable)] = []
            for file in files { tables.append((file, try ScoreTable(path: file))) }
            let found = TestResult(
                try ScoreTable.fused(tables, weights: given ?? files.map { _ in 1 / Double(files.count) }))
            if let out { try found.table.write(to: out) }
            if let report { try writeWhole(TestPage(found).html, to: report) }
            found.warn()
            result.report(found.json, text: found.text)
        }

        private static func numbers(_ text: String) throws(Fault) -> [Double] {
            let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
            guard !numbers.contains(nil) else {
                throw Fault(.usage, "--weights \(text)", "is not numbers separated by commas", mend: "such as 0.6,0.4")
            }
            return numbers.compactMap { $0 }
        }
    }
}

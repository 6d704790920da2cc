import ArgumentParser
import Clips
import Curation
import Faults
import Foundation
import Reporting
import Storage

extension DataCommand {
    /// `zoetrope data check`: which videos of lists are fit to train on.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Decode every listed video to its end, and name the ones that are of no use.",
            discussion: """
                Videos are decoded in child processes with limits: one that crashes or hangs the decoder costs itself. Writes \
                quarantine.tsv (id, class, stage, reason, path, list) beside the first list. Findings are kept in LIST.check, so that \
                a check that was ended goes on. Exit code 65 when videos are bad, unless --fix writes lists without them.
                """)
        @Option(help: "A list of videos; may be repeated.")
        var list: [String]
        @Flag(help: "Write NAME.checked.EXTENSION beside each list, without the bad ones.")
        var fix = false
        @Option(help: "classids.json or a file of names; classes.txt beside the list unless given.")
        var classes: String?
        @Option(help: "The fewest frames.")
        var minFrames = 16
        @Option(help: "The smallest side of a frame, in pixels.")
        var minSide = 32
        @Option(help: "Videos decoded at once; 0 takes one for each core.")
        var workers = 0
        @OptionGroup var limits: ExaminerOptions
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard !list.isEmpty else { throw ValidationError("--list is missing") }
            guard (0...1024).contains(workers) else { throw ValidationError("--workers \(workers): choose 0 to 1024") }
            guard minFrames >= 1 else { throw ValidationError("--min-frames \(minFrames): choose at least 1") }
            guard (1...8192).contains(minSide) else { throw ValidationError("--min-side \(minSide): choose 1 to 8192") }
        }

        func run() throws {
            let lists = try list.map { path throws(Fault) in try ClipList(path: path) }
            let folder = URL(fileURLWithPath: list[0]).deletingLastPathComponent().path
            let names = try classNames(folder)
            var check = ListCheck(
                command: [try ownProgram(), "data", "examine"] + limits.arguments)
            check.rules.frames = minFrames
            check.rules.sides = minSide...check.rules.sides.upperBound
            check.limits = limits.value
            check.workers = computeThreads(workers)
            check.progress = progress("check")
            let report = try check.run(lists, journal: try CheckJournal(list[0] + ".check"))
            let quarantine = folder + "/quarantine.tsv"
            try writeWhole(report.quarantine(classes: names), to: quarantine)
            let fixed = fix ? try lists.map { list throws(Fault) in try write(list, without: report) } : []
            describe(report, names, quarantine, fixed)
            if !report.bad.isEmpty, !fix {
                throw Fault(
                    .data, quarantine, "names \(report.bad.count) of \(report.entries) videos that are of no use",
                    mend: "--fix writes lists without them")
            }
        }

        private func classNames(_ folder: String) throws -> [String] {
            let beside = folder + "/" + ClassList.fileName
            guard let path = classes ?? (pathExists(beside) ? beside : nil) else { return [] }
            return try ClassList(path: path).names
        }

        private func write(_ list: ClipList, without report: CheckReport) throws(Fault) -> String {
            let url = URL(fileURLWithPath: list.name)
            let ending = url.pathExtension.isEmpty ? "" : "." + url.pathExtension
            let path = url.deletingPathExtension().path + ".checked" + ending
            let lines = Set(report.bad.filter { $0.place.file == list.name }.map(\.place.line))
            try writeWhole(try list.text(without: lines), to: path)
            return path
        }

        private func describe(_ report: CheckReport, _ names: [String], _ quarantine: String, _ fixed: [String]) {
            func name(_ label: Int) -> String { names.indices.contains(label) ? names[label] : "class \(label)" }
            for bad in report.bad.prefix(10) {
                standardError("zoetrope: \(bad.path) (\(bad.place)): \(bad.stage.rawValue): \(bad.reason)\n")
            }
            if report.bad.count > 10 {
                standardError("zoetrope: \(report.bad.count - 10) more are in \(quarantine)\n")
            }
            var lines = [
                "\(report.coverage.presentCount) of \(report.entries) videos are sound"
                    + (report.resumed > 0 ? "; \(report.resumed) were checked before" : "")
            ]
            for stage in CheckStage.allCases {
                if let count = report.stages[stage] { lines.append("  \(padded(stage.rawValue, 8)) \(count)") }
            }
            for label in report.coverage.worst(5) {
                lines.append("  \(name(label)): \(report.coverage.present[label]) of \(report.coverage.listed[label])")
            }
            lines += fixed.map { "wrote \($0)" }
            result.report(
                [
                    "videos": .integer(report.entries), "sound": .integer(report.coverage.presentCount),
                    "resumed": .integer(report.resumed), "quarantine": .string(quarantine),
                    "stages": .object(
                        CheckStage.allCases.compactMap { stage in
                            report.stages[stage].map { (stage.rawValue, .integer($0)) }
                        }),
                    "listed_per_class": .array(report.coverage.listed.map(JSON.integer)),
                    "sound_per_class": .array(report.coverage.present.map(JSON.integer)),
                    "fixed": .array(fixed.map(JSON.string)),
                ], text: lines.joined(separator: "\n"))
        }
    }

    /// What a video may take before it counts as bad.
    struct ExaminerOptions: ParsableArguments {
        @Option(help: "Seconds that a video may take.")
        var seconds = 120.0
        @Option(help: "MiB of address space that a video may take.")
        var memory = 4096

        func validate() throws {
            guard (0.1...86_400).contains(seconds) else {
                throw ValidationError("--seconds \(seconds): choose 0.1 to 86400")
            }
            guard (256...1 << 20).contains(memory) else {
                throw ValidationError("--memory \(memory): choose 256 to 1048576")
            }
        }

        var value: ExaminerLimits {
            var limits = ExaminerLimits()
            limits.seconds = seconds
            limits.memoryMiB = memory
            return limits
        }

        var arguments: [String] { ["--seconds", "\(seconds)", "--memory", "\(memory)"] }
    }

    /// `zoetrope data examine`: the child of `data check`, and of `data pack`.
    struct Examine: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Examine the videos whose paths come in, a line each.", shouldDisplay: false)
        @OptionGroup var limits: ExaminerOptions
        @Flag(help: "Answer what data pack asks.")
        var packing = false

        func run() throws {
            while let line = readLine() {
                limits.value.apply()
                let path = String(oneLine: line)
                print(packing ? examineForPacking(path) : Examined(path: path).text)
                fflush(nil)
            }
        }
    }
}

/// The program that runs, to start it once more.
func ownProgram() throws(Fault) -> String {
    guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
        throw Fault(.internal, "/proc/self/exe", "cannot be read", mend: "mount /proc")
    }
    return path
}

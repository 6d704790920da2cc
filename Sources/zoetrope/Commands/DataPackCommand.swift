import Acquisition
import ArgumentParser
import Clips
import Curation
import Faults
import Foundation
import Glibc
import Protocol
import Reporting
import Storage

extension DataCommand {
    /// `zoetrope data pack`: a list of videos becomes one split of a data set.
    struct Pack: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pack a list of videos into one split of a data set.",
            discussion: """
                The list holds `path label` a line, or VMZ's CSV with the header org_video,label,start_frm,video_id. \
                Videos that cannot be opened are left out and named; videos with damage inside are packed and named, and \
                training replaces by rule what does not decode. The profiles vmz and fast write every video anew on the way, \
                as data trim does. Videos are decoded in child processes with limits: one that crashes or hangs the decoder \
                costs itself. A packing that was ended goes on: it decodes no video and writes no shard again.
                """)
        @Option(help: "The list; paths in it are relative to its folder.")
        var list: String
        @Option(help: "train, val or test.")
        var split: String
        @Option(help: "The data set's folder; other splits in it stay as they are.")
        var out: String
        @Option(help: "classids.json or a file of names; classes.txt beside the list unless given.")
        var classes: String?
        @Option(help: "keep packs the videos as they are; vmz and fast write them anew.")
        var profile = "keep"
        @Option(help: "Of vmz and fast: the smaller side in pixels, at most with fast; even. (default: 320)")
        var shortSide: Int?
        @Option(help: "Seconds that one video may take.")
        var timeout = 600.0
        @Option(help: "Videos at once, 1 to 256; as many as processors when not given.")
        var jobs: Int?
        @Option(help: "How much goes into a shard: bytes, or 64MB. A worker that pulls clips pulls whole shards.")
        var shardSize = "1GiB"
        @OptionGroup var result: ResultOptions

        func run() throws {
            var options = PackOptions()
            options.shardBytes = max(1, try ByteCount(shardSize, about: "--shard-size").bytes)
            options.threads = jobs ?? ProcessInfo.processInfo.activeProcessorCount
            try within(options.threads, 1...256, "--jobs")
            options.progress = progress("pack")
            guard (0.1...86_400).contains(timeout) else {
                throw Fault(.usage, "--timeout", "\(timeout) s is not from 0.1 to 86400")
            }
            if profile == "keep" { try examine(&options) } else { try transcode(&options) }
            let beside = URL(fileURLWithPath: list).deletingLastPathComponent().path + "/" + ClassList.fileName
            if let path = classes ?? (pathExists(beside) ? beside : nil) {
                options.classes = try ClassList(path: path).names
            }
            let report = try pack(ClipList(path: list), split: split, into: out, options: options)
            describe(report)
        }

        /// Lets children decode the videos, which are packed as they are.
        private func examine(_ options: inout PackOptions) throws(Fault) {
            if let shortSide {
                throw Fault(
                    .usage, "--short-side \(shortSide)", "has no meaning for videos that are packed as they are",
                    mend: "add --profile fast or vmz, or leave it out")
            }
            var limits = ExaminerLimits()
            // A video of the largest size that is packed is in it twice.
            (limits.seconds, limits.memoryMiB) = (timeout, 8192)
            let words = ["--seconds", "\(limits.seconds)", "--memory", "\(limits.memoryMiB)"]
            let pool = ExaminerPool(
                command: [try ownProgram(), "data", "examine", "--packing"] + words, limits: limits)
            options.examine = { path throws(Fault) in try pool.ask(path) }
        }

        /// Lets children write the videos in the profile that was asked for.
        private func transcode(_ options: inout PackOptions) throws(Fault) {
            let profile = try trimProfile(profile, shortSide ?? TrimProfile.fast.shortSide, also: "keep")
            var child = TrimChild(command: try trimCommand(profile))
            child.patience = timeout
            let cancellation = child.cancellation
            onSignals([SIGINT, SIGTERM]) { cancellation.cancel() }
            options.profile = profile.description
            options.transcoding = Transcoding(name: profile.description) { [child] source, target throws(Fault) in
                let outcome = try child.write(TrimJob(source: source, target: target, start: 0, seconds: nil))
                guard outcome.status == .failed else { return }
                // The child's last line names the program and the file once more.
                var reason = outcome.reason[...]
                for prefix in ["zoetrope: ", source + ": "] where reason.hasPrefix(prefix) {
                    reason = reason.dropFirst(prefix.count)
                }
                throw Fault(.data, source, String(reason))
            }
        }

        private func describe(_ report: PackReport) {
            for problem in report.refused {
                standardError("zoetrope: \(problem.name) (line \(problem.line)): left out: \(problem.reason)\n")
            }
            for problem in report.damaged {
                standardError("zoetrope: \(problem.name) (line \(problem.line)): damaged: \(problem.reason)\n")
            }
            let problems = { (list: [PackReport.Problem]) in
                JSON.array(
                    list.map { ["name": .string($0.name), "line": .integer($0.line), "reason": .string($0.reason)] })
            }
            result.report(
                [
                    "clips": .integer(report.clips), "classes": .integer(report.classes.count),
                    "frames": .integer(report.frames), "bytes": .integer(report.bytes),
                    "sha256": .string("\(report.digest)"), "resumed": .integer(report.resumed),
                    "shards": .integer(report.shards), "shards_kept": .integer(report.shardsKept),
                    "refused": problems(report.refused), "damaged": problems(report.damaged),
                ],
                text: "\(out)/\(split): \(report.clips) clips of \(report.classes.count) classes, "
                    + "\(report.refused.count) left out, \(report.damaged.count) damaged")
        }
    }
}

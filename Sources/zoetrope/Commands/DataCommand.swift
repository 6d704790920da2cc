import ArgumentParser
import Clips
import Curation
import Faults
import Foundation
import Protocol
import Reporting
import Storage

/// `zoetrope data`: getting a data set ready.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Data sets: get Kinetics, make the synthetic one, pack videos, say what is in a set.",
        subcommands: [
            DataDownload.self, DataExtract.self, DataCrawl.self, DataTrim.self, DataTrimOne.self, Lists.self,
            Check.self, Synth.self, Pack.self,
            Unpack.self, Export.self, Info.self, Examine.self,
        ])

    struct Synth: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a motion data set on the spot: lists, videos, packed train and val sets.",
            discussion: """
                Textured shapes move over a textured background: left or right, up or down, clockwise or \
                counter-clockwise, towards or away. No single frame tells the class. The same seed makes the same bytes.
                """)
        @Option(help: "Where the data set goes; a new or empty folder.")
        var out: String
        @Option(help: "2, 4, 6 or 8.")
        var classes = 8
        @Option(help: "Training clips of each class; a quarter as many more are made for validation.")
        var clipsPerClass = 100
        @Option(help: "Length of a video.")
        var seconds = 2.0
        @Option(help: "Rows and columns of a video, in pixels.")
        var size = 64
        @Option(help: "Decides everything that is drawn.")
        var seed: UInt64 = 0
        @OptionGroup var result: ResultOptions

        func run() throws {
            var set = try MotionDataSet(
                classes: classes, clipsPerClass: clipsPerClass, seconds: seconds, size: size, seed: seed)
            set.threads = ProcessInfo.processInfo.activeProcessorCount
            set.progress = progress("synth")
            let (train, val) = try set.write(into: out)
            result.report(
                [
                    "classes": .integer(train.classes.count), "train": .integer(train.clips),
                    "val": .integer(val.clips), "bytes": .integer(train.bytes + val.bytes),
                    "train_sha256": .string("\(train.digest)"), "val_sha256": .string("\(val.digest)"),
                ],
                text:
                    "\(out): \(train.classes.count) classes, \(train.clips) training and \(val.clips) validation clips")
        }
    }

    struct Pack: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pack a list of videos into one split of a data set.",
            discussion: """
                The list holds `path label` a line, or VMZ's CSV with the header org_video,label,start_frm,video_id. \
                Videos that cannot be opened are left out and named; videos with damage inside are packed and named, and \
                training replaces by rule what does not decode.
                """)
        @Option(help: "The list; paths in it are relative to its folder.")
        var list: String
        @Option(help: "train, val or test.")
        var split: String
        @Option(help: "The data set's folder; other splits in it stay as they are.")
        var out: String
        @Option(help: "classids.json or a file of names; classes.txt beside the list unless given.")
        var classes: String?
        @Option(help: "keep packs the videos as they are.")
        var profile = "keep"
        @Option(help: "How much goes into a shard: bytes, or 64MB. A worker that pulls clips pulls whole shards.")
        var shardSize = "1GiB"
        @OptionGroup var result: ResultOptions

        func run() throws {
            guard profile == "keep" else {
                throw Fault(
                    .usage, "--profile \(profile)", "videos are packed as they are",
                    mend:
                        "re-encode them with 'zoetrope data trim --profile \(profile)' first, and pack what it makes with keep"
                )
            }
            var options = PackOptions()
            options.shardBytes = max(1, try ByteCount(shardSize, about: "--shard-size").bytes)
            options.threads = ProcessInfo.processInfo.activeProcessorCount
            options.progress = progress("pack")
            let beside = URL(fileURLWithPath: list).deletingLastPathComponent().path + "/" + ClassList.fileName
            if let path = classes ?? (pathExists(beside) ? beside : nil) {
                options.classes = try ClassList(path: path).names
            }
            let report = try pack(ClipList(path: list), split: split, into: out, options: options)
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
                    "refused": problems(report.refused),
                    "damaged": problems(report.damaged),
                ],
                text: "\(out)/\(split): \(report.clips) clips of \(report.classes.count) classes, "
                    + "\(report.refused.count) left out, \(report.damaged.count) damaged")
        }
    }

    struct Info: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say what is in a data set.")
        @Argument(help: "The data set's folder.")
        var data: String
        @OptionGroup var result: ResultOptions

        func run() throws {
            let set = try DataSetSummary(directory: data)
            var splits: [(String, JSON)] = []
            var lines = ["\(data): \(set.classes.count) classes" + (set.profile.isEmpty ? "" : ", \(set.profile)")]
            for split in set.splits {
                let counts = split.clipsPerClass
                splits.append(
                    (
                        split.name,
                        [
                            "clips": .integer(split.clips), "frames": .integer(split.frames),
                            "bytes": .integer(split.bytes), "sha256": .string(split.digest),
                            "clips_per_class": .array(counts.map(JSON.integer)),
                        ]
                    ))
                lines.append(
                    "  \(padded(split.name, 6)) \(split.clips) clips, \(counts.min() ?? 0) to \(counts.max() ?? 0) of a class, "
                        + "\(split.frames) frames, \(split.bytes) bytes, sha256 \(split.digest)")
            }
            lines.append("  classes: " + set.classes.joined(separator: ", "))
            result.report(
                ["classes": .array(set.classes.map(JSON.string)), "splits": .object(splits)],
                text: lines.joined(separator: "\n"))
        }
    }
}

/// Counts that arrive from several threads, as a progress bar.
func progress(_ label: String) -> @Sendable (Int, Int) -> Void {
    let bar = SharedProgress(label: label)
    return { done, total in bar.update(done, of: total) }
}

private final class SharedProgress: @unchecked Sendable {  // the bar is touched under the lock only
    private let lock = NSLock()
    private let label: String
    private var bar: ProgressBar?

    init(label: String) { self.label = label }

    func update(_ done: Int, of total: Int) {
        lock.withLock {
            let now = ProcessInfo.processInfo.systemUptime
            if bar == nil { bar = ProgressBar(label, total: total, now: now) }
            bar?.update(done, "", now: now)
        }
    }
}

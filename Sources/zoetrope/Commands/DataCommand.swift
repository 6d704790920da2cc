import ArgumentParser
import Clips
import Faults
import Foundation
import Reporting

/// `zoetrope data`: getting a data set ready.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Data sets: get Kinetics, make the synthetic one, pack videos, say what is in a set.",
        subcommands: [
            DataDownload.self, DataExtract.self, DataCrawl.self, DataTrim.self, DataTrimOne.self, Lists.self,
            Check.self, Synth.self, Pack.self, DataPackWorker.self, Unpack.self, Export.self, ExportClips.self,
            Info.self, Browse.self,
            Examine.self,
        ])

    struct Synth: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a motion data set on the spot: lists, videos, packed train and val sets.",
            discussion: """
                Textured shapes move over a textured background: left or right, up or down, clockwise or \
                counter-clockwise, towards or away. No single frame tells the class. The same seed makes the same bytes.
                """)
        @Option(help: "Where the data set goes: a new or empty folder, or an earlier one of these.")
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
            set.threads = computeThreads(0)
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

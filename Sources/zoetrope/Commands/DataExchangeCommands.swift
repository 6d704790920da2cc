import ArgumentParser
import Clips
import Curation
import Faults
import Foundation
import Reporting
import Storage

extension DataCommand {
    /// `zoetrope data unpack`: other people's containers become loose files with a list.
    struct Unpack: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take videos out of VMZ's LMDB or of webdataset's tar files, with a list for data pack.",
            discussion: """
                A database of create_video_db.py is a folder with data.mdb, or that file; one that holds paths gives the list \
                only. Tar files hold a video and a .cls or .json for each sample. Run again after an interruption: what is \
                there is kept.
                """)
        @Option(help: "The database or a tar file; may be repeated.")
        var from: [String]
        @Option(help: "Where videos/ and list.csv go.")
        var out: String
        @Option(help: "A file of classes, where labels of tar files are names.")
        var classes: String?
        @OptionGroup var result: ResultOptions

        func run() throws {
            guard !from.isEmpty else { throw ValidationError("--from is missing") }
            let names = try classes.map { path throws(Fault) in try ClassList(path: path) }
            var unpacking = try Unpacking(into: out)
            for path in from {
                if path.hasSuffix(".tar") {
                    try unpacking.takeTar(path, names: names)
                } else {
                    try unpacking.takeVMZ(path)
                }
            }
            let report = try unpacking.finish()
            for problem in report.problems.prefix(10) {
                standardError("zoetrope: \(problem.place): left out: \(problem.reason)\n")
            }
            if report.problems.count > 10 {
                standardError("zoetrope: \(report.problems.count - 10) more were left out\n")
            }
            result.report(
                [
                    "list": .string(report.list), "videos": .integer(report.videos),
                    "resumed": .integer(report.resumed),
                    "left_out": .integer(report.problems.count),
                ], text: "\(report.list): \(report.videos) videos, \(report.problems.count) left out")
        }
    }

    /// `zoetrope data export`: a split of a packed set in other people's containers.
    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give out a split of a data set as VMZ's LMDB, webdataset tar files, or loose files.")
        @Argument(help: "The data set's folder.")
        var data: String
        @Option(help: "train, val or test.")
        var split: String
        @Option(help: "vmz, webdataset or files.")
        var format: String
        @Option(help: "The folder to write; an earlier export there is replaced, anything else refused.")
        var out: String
        @Option(help: "MiB of a tar file.")
        var shardMib = 1024
        @Flag(help: "Give VMZ's records a start frame, as its --use_start_frame.")
        var startFrames = false
        @Flag(help: "Give VMZ's records the number of the video, as its --use_video_id.")
        var videoIds = false
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard (1...1 << 20).contains(shardMib) else {
                throw ValidationError("--shard-mib \(shardMib): choose 1 to 1048576")
            }
        }

        func run() throws {
            guard let format = ExportFormat(rawValue: format) else {
                throw Fault(
                    .usage, "--format \(format)", "is not a container that can be written",
                    mend: advice(for: format, among: ExportFormat.allCases.map(\.rawValue)))
            }
            let set = try PackedSet(directory: data, split: split)
            var exporting = Exporting(format: format)
            exporting.shardBytes = shardMib << 20
            exporting.startFrames = startFrames
            exporting.videoIDs = videoIds
            try exporting.write(set, to: out)
            result.report(
                ["out": .string(out), "videos": .integer(set.count)],
                text: "\(out): \(set.count) videos of \(data)/\(split)")
        }
    }
}
